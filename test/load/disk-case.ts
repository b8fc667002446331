import { lstatSync, readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { calibrate } from './calibration.ts';
import type { Outcome } from './plan.ts';
import { senders } from './population.ts';
import type { Row } from './report.ts';
import { runPlan } from './run-plan.ts';
import { startTarget, type TargetChoice } from './target.ts';

const EVENTS = 20_000;

/**
 * Bytes on disk per event of 100 characters in a room of so many members, log and read models together, without
 * Postgres's write-ahead log. A fresh deployment is stopped cleanly before and after, so that all is written.
 */
export async function diskPerEvent(choice: TargetChoice, members: number): Promise<Row> {
  await using target = await startTarget(choice);
  const all = await senders(target.url, 1, members);
  const load = loadavg()[0] ?? 0;
  const calibration = calibrate();
  await target.stop();
  const before = bytesIn(target.folders);
  await target.start();
  const outcome = await runPlan(
    {
      kind: 'send',
      url: target.url,
      senders: Array.from({ length: 25 }, (_, i) => all[i % all.length]).filter((one) => one !== undefined),
      characters: 100,
      seconds: 120,
      atMost: EVENTS,
    },
    () => {},
    180_000,
  );
  await target.stop();
  const grown = bytesIn(target.folders) - before;
  await target.start();
  return {
    name: `bytes on disk, room of ${members}`,
    load,
    calibration,
    ...diskFigures(grown, outcome),
  };
}

/** What a run came to: shared among the events that the server has taken, however many were planned. */
export function diskFigures(
  grown: number,
  { sent = 0, failures, problems }: Pick<Outcome, 'sent' | 'failures' | 'problems'>,
): Pick<Row, 'figures' | 'problems'> {
  if (sent === 0) return { figures: { events: 0, failures }, problems: [...problems, 'no event was taken'] };
  return { figures: { 'bytes/event': Math.round(grown / sent), events: sent, failures }, problems };
}

/** Allocated bytes of all files below the folders, the write-ahead log and Kafka's preallocated indexes apart. */
function bytesIn(folders: readonly string[]): number {
  return folders.reduce((sum, folder) => sum + bytesOf(folder), 0);
}

function bytesOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.blocks * 512;
  return readdirSync(path)
    .filter((name) => name !== 'pg_wal')
    .reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}
