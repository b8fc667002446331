/** A line of the report: a case's name, its figures, and the machine's state beside them. */
export interface Row {
  readonly name: string;
  /** Figures by name, in the order of printing; the unit is part of the name. */
  readonly figures: Readonly<Record<string, number>>;
  /** One-minute load average and calibration (see `calibration.ts`) when it was measured. */
  readonly load: number;
  readonly calibration: number;
  /** What went wrong, when something did. */
  readonly problems: readonly string[];
}

/** A row as two lines of text. */
export function printed(row: Row): string {
  const figures = Object.entries(row.figures).map(([name, value]) => `${name} ${rounded(value)}`);
  const state = `load ${rounded(row.load)}, ${Math.round(row.calibration / 1000)}k hashes/s`;
  const problems = row.problems.map((problem) => `\n    ! ${problem}`).join('');
  return `${row.name}  (${state})\n    ${figures.join(' | ')}${problems}`;
}

function rounded(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}
