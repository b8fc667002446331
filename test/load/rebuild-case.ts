import { loadavg } from 'node:os';
import { calibrate } from './calibration.ts';
import type { Row } from './report.ts';
import type { Effort } from './send-cases.ts';
import type { Target } from './target.ts';

/** The read models of the architecture's section 6 that are built. */
const MODELS = ['room_state', 'timeline', 'sync', 'accounts', 'directory'] as const;

/** Rebuilds each model from the log that the cases before have left, and says how many records a second that is. */
export async function rebuilds(target: Target, _effort: Effort): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const model of MODELS) rows.push(await rebuild(target, model));
  return rows;
}

async function rebuild(target: Target, model: string): Promise<Row> {
  const load = loadavg()[0] ?? 0;
  const calibration = calibrate();
  const { code, stderr, progress } = await target.milena(['rebuild', model], 300_000);
  const steps = progress
    .map(({ at, line }) => ({ at, ...counted(line) }))
    .filter(({ records }) => records >= 0);
  const [first, last] = [steps[0], steps.at(-1)];
  // From the first word of the builder to the switch: the command's own start is not the rebuild's.
  const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1000;
  const records = last?.records ?? 0;
  const built = records - (first?.records ?? 0);
  return {
    name: `rebuild of ${model}`,
    figures: { 'records/s': seconds > 0 ? built / seconds : 0, records, seconds },
    load,
    calibration,
    problems: code === 0 ? [] : [`exit ${code}: ${stderr.slice(-400)}`],
  };
}

/** The figures of a line such as "timeline: building, 2000 of 130000 records". */
function counted(line: string): { readonly records: number } {
  const records = /: \w+, (\d+) of \d+ records$/.exec(line)?.[1];
  return { records: records === undefined ? -1 : Number(records) };
}
