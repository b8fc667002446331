import type { HouseStatus, ProjectorStatus, SlotStatus } from './house.ts';

/** What is wrong, a line each; empty when all is well. */
export function troubles(status: HouseStatus): readonly string[] {
  const ownerless = status.slots.filter((slot) => slot.owner === undefined).map((slot) => slot.slot);
  return [
    ...status.reasons,
    ...(ownerless.length === 0 ? [] : [`no owner for slot ${ownerless.join(', ')}`]),
    ...status.projectors.flatMap((projector) =>
      projector.poison.map(
        (record) =>
          `${projector.model} cannot apply ${record.topic}/${record.partition}@${record.offset} ` +
          `(${record.key}): ${record.reason}; ${record.waiting} records wait for it`,
      ),
    ),
  ];
}

/** The status for people. */
export function showStatus(status: HouseStatus): string {
  const head = `Milena ${status.version}, ${status.serverName}: ${status.ready ? 'ready' : 'not ready'}`;
  const wrong = troubles(status).map((line) => `! ${line}`);
  const slots = table(['slot', 'owner', 'epoch'], status.slots.map(slotRow));
  const projectors = table(
    ['model', 'state', 'lag', 'seconds', 'poison'],
    status.projectors.map(projectorRow),
  );
  return [head, ...wrong, '', ...slots, '', ...projectors, ''].join('\n');
}

function slotRow(slot: SlotStatus): readonly string[] {
  return [String(slot.slot), slot.owner ?? '-', String(slot.epoch ?? '-')];
}

function projectorRow(projector: ProjectorStatus): readonly string[] {
  const { model, state, lagRecords, lagSeconds, poison } = projector;
  return [model, state, String(lagRecords), lagSeconds.toFixed(1), String(poison.length)];
}

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
