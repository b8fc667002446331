import { readFileSync, readlinkSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MilenaError } from '../../errors/milena-error.ts';
import { isAlive } from '../data-folder/process-identity.ts';

/**
 * Clears what a killed Milena left: a Postgres that still runs on this data is stopped (never another one: it
 * must have the database's folder as its working directory), and a `postmaster.pid` of a dead one is removed.
 * Call it only while holding the data folder's lock.
 * @returns the process number of a Postgres that was stopped.
 * @throws MilenaError START_FAILED when that Postgres cannot be stopped.
 */
export async function clearOrphan(database: string): Promise<number | undefined> {
  const file = join(database, 'postmaster.pid');
  const pid = postmasterPid(file);
  if (pid === undefined) return undefined;
  if (!(await isPostgresOf(pid, database))) {
    // Dead, or its number now belongs to someone else; Postgres itself would refuse to start in the latter case.
    await rm(file, { force: true });
    return undefined;
  }
  // Fast shutdown, then without a checkpoint (recovery at the next start makes up for it).
  for (const [signal, patience] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
  ] as const) {
    process.kill(pid, signal);
    if (await endsWithin(pid, patience)) return pid;
  }
  throw new MilenaError(
    'START_FAILED',
    `Postgres (process ${pid}) still runs on ${database} and does not stop.`,
  );
}

/** True when the process ends in time. */
export async function endsWithin(pid: number, milliseconds: number): Promise<boolean> {
  const until = performance.now() + milliseconds;
  while (isAlive(pid)) {
    if (performance.now() > until) return false;
    await sleep(10);
  }
  return true;
}

/** Whether process `pid` is a postmaster that works in this folder. */
async function isPostgresOf(pid: number, database: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0]?.endsWith('postgres')) return false;
    const [its, ours] = await Promise.all([stat(readlinkSync(`/proc/${pid}/cwd`)), stat(database)]);
    return its.ino === ours.ino && its.dev === ours.dev;
  } catch {
    return false; // Someone else's process, or none.
  }
}

/** The first line of `postmaster.pid`. */
function postmasterPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** True once Postgres has noted in `postmaster.pid` that it takes connections. */
export function isReady(database: string): boolean {
  try {
    return readFileSync(join(database, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}
