import { readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MilenaError } from '../../errors/milena-error.ts';
import { createFile, errnoOf, fileError, replaceFile } from './files.ts';
import { identityOfThisProcess, type ProcessIdentity, stateOf } from './process-identity.ts';

/** Who holds a data folder. */
export interface Holder extends ProcessIdentity {
  /** ISO 8601. */
  readonly since: string;
  /** What it does, such as `serve` or `log export`. */
  readonly doing: string;
  /** Where it can be reached, once it listens. */
  readonly address?: string;
}

/** The right to run the embedded Postgres of one data folder. */
export interface DataLock extends AsyncDisposable {
  /** Notes where the server can be reached, for whoever is refused. */
  setAddress(address: string): Promise<void>;
  release(): Promise<void>;
}

const heartbeatMs = 2000;
/** A holder in another container that touches its lock is seen within this time. */
const watchMs = 3 * heartbeatMs;

/**
 * Takes the lock of the folder's embedded Postgres. A lock left by a killed process is cleared.
 * @throws MilenaError DATA_HELD, whose message says who holds it, since when, and where it listens.
 */
export async function lockDataFolder(folder: string, doing: string): Promise<DataLock> {
  const path = join(folder, 'lock');
  const holder: Holder = { ...identityOfThisProcess(), since: new Date().toISOString(), doing };
  while (!(await createFile(path, json(holder)))) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue; // Released just now.
    if (await isHeld(path, text)) throw heldError(folder, parseHolder(text));
    await removeStale(path, text);
  }
  return new FileLock(path, holder);
}

/** Who holds the folder now; undefined when nobody does. */
export async function holderOf(folder: string): Promise<Holder | undefined> {
  const path = join(folder, 'lock');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text !== undefined && (await isHeld(path, text)) ? parseHolder(text) : undefined;
}

async function isHeld(path: string, text: string): Promise<boolean> {
  const holder = parseHolder(text);
  if (holder === undefined) return false;
  const state = stateOf(holder);
  if (state !== 'unknown') return state === 'running';
  // Another container or machine: alive is who touches the lock while we watch.
  const before = await modified(path);
  const until = performance.now() + watchMs;
  while (performance.now() < until) {
    await sleep(200);
    if ((await modified(path)) !== before) return true;
  }
  return false;
}

async function modified(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => 0,
  );
}

/** Removes the lock if it still is the one that was judged, so that a quicker starter keeps its own. */
async function removeStale(path: string, judged: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw fileError(error, path);
  }
  const moved = await readFile(aside, 'utf8');
  if (moved !== judged) await createFile(path, moved);
  await rm(aside, { force: true });
}

function heldError(folder: string, holder: Holder | undefined): MilenaError {
  const where = holder?.address === undefined ? '' : `, listening on ${holder.address}`;
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (milena ${holder.doing})`;
  const since = holder === undefined ? '' : ` since ${holder.since}`;
  const text = `${folder} is held by ${who}${since}${where}. Stop it first, or choose another folder with MILENA_DATA.`;
  return new MilenaError('DATA_HELD', text, { log: { ...holder } });
}

class FileLock implements DataLock {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  #holder: Holder;

  constructor(path: string, holder: Holder) {
    this.#path = path;
    this.#holder = holder;
    this.#timer = setInterval(() => void this.#touch(), heartbeatMs).unref();
  }

  async setAddress(address: string): Promise<void> {
    this.#holder = { ...this.#holder, address };
    await replaceFile(this.#path, json(this.#holder));
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    const text = await readFile(this.#path, 'utf8').catch(() => undefined);
    if (text === json(this.#holder)) await rm(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #touch(): Promise<void> {
    const now = new Date();
    // A disk that refuses this for a moment is no reason to stop: only other containers look at the time.
    await utimes(this.#path, now, now).catch(() => undefined);
  }
}

function json(holder: Holder): string {
  return `${JSON.stringify(holder, null, 2)}\n`;
}

/** Undefined for a lock that was never written whole; `createFile` makes that impossible, a full disk may not. */
function parseHolder(text: string): Holder | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isHolder(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false;
  return 'pid' in value && 'realm' in value && 'startTime' in value && 'since' in value && 'doing' in value;
}
