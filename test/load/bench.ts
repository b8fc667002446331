import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { calibrate } from './calibration.ts';
import { delivery } from './deliver-case.ts';
import { diskPerEvent } from './disk-case.ts';
import { memory } from './memory-case.ts';
import { rebuilds } from './rebuild-case.ts';
import { printed, type Row } from './report.ts';
import { history, making, members } from './room-cases.ts';
import { type Effort, loneSender, oneRoom, tenRooms } from './send-cases.ts';
import { sleepers } from './sleepers-case.ts';
import { syncs } from './sync-cases.ts';
import { startTarget, type Target, type TargetChoice } from './target.ts';

const USAGE = `npm run bench -- [options]
  --log postgres|kafka      the log's adapter (default postgres)
  --roles together|apart    one process, or the API and the owner apart (default together)
  --only NAME,…             of: lone, deliver, rooms, room, memory, rebuild, sleepers, syncs, making, members,
                            history, disk5, disk50 (default all)
  --seconds N               length of each run (default 6)
  --times N                 runs of each case; the median counts (default 3)
  --json FILE               writes the figures there too
`;

/** A case on the shared deployment gives one row or several. */
type Case = (target: Target, effort: Effort) => Promise<Row | readonly Row[]>;

/** In this order, because what follows needs the log that goes before: memory and rebuilds come after the load. */
const shared: Readonly<Record<string, Case>> = {
  lone: loneSender,
  deliver: delivery,
  rooms: tenRooms,
  room: oneRoom,
  memory,
  rebuild: rebuilds,
  sleepers,
  syncs,
  making,
  members,
  history,
};

/** Members of the rooms whose bytes on disk are measured, each on a deployment of its own. */
const alone: Readonly<Record<string, number>> = { disk5: 5, disk50: 50 };

interface Options {
  readonly choice: TargetChoice;
  readonly effort: Effort;
  readonly only: ReadonlySet<string>;
  readonly json: string | undefined;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      log: { type: 'string', default: 'postgres' },
      roles: { type: 'string', default: 'together' },
      only: { type: 'string', default: [...Object.keys(shared), ...Object.keys(alone)].join(',') },
      seconds: { type: 'string', default: '6' },
      times: { type: 'string', default: '3' },
      json: { type: 'string' },
    },
  });
  const { log, roles } = values;
  if ((log !== 'postgres' && log !== 'kafka') || (roles !== 'together' && roles !== 'apart'))
    throw new Error(USAGE);
  const only = new Set(values.only.split(','));
  for (const name of only)
    if (!(name in shared) && !(name in alone)) throw new Error(`no case ${name}\n${USAGE}`);
  return {
    choice: { log, roles },
    effort: { seconds: Number(values.seconds), times: Number(values.times) },
    only,
    json: values.json,
  };
}

async function main(): Promise<void> {
  const { choice, effort, only, json } = options();
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? '?'}, load ${(loadavg()[0] ?? 0).toFixed(2)}`;
  console.log(`log ${choice.log}, roles ${choice.roles}; ${machine}; ${calibrate()} hashes/s`);
  const rows: Row[] = [];
  const add = (some: Row | readonly Row[]): void => {
    for (const row of [some].flat()) {
      rows.push(row);
      console.log(printed(row));
    }
  };
  const wanted = Object.entries(shared).filter(([name]) => only.has(name));
  if (wanted.length > 0) {
    await using target = await startTarget(choice);
    for (const [, run] of wanted) add(await run(target, effort));
  }
  for (const [name, members] of Object.entries(alone))
    if (only.has(name)) add(await diskPerEvent(choice, members));
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ ...choice, machine, rows }, undefined, 2)}\n`);
  if (rows.some((row) => row.problems.length > 0)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
}
