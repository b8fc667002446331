import type { ReadPosition } from '../log/port.ts';
import type { UserId } from '../matrix/identifiers.ts';
import type { SessionEntry, SessionPlace, SessionStore } from '../sessions/port.ts';
import type { Session } from './reads/account-reads.ts';

/** Milliseconds between writes: a device that asks all the time costs two rows a minute, whatever it asks. */
const FLUSH_MS = 30_000;
/** A device that was seen this long ago, from the same address, is not noted again. Milliseconds. */
const FRESH_MS = 5_000;
/** How long it is remembered, milliseconds: 90 days. */
const TTL_MS = 90 * 86_400_000;

/** When a device was seen last, and from where. */
export interface Seen {
  /** Milliseconds since the epoch. */
  readonly ts: number;
  readonly ip: string;
  /** What the client called itself. */
  readonly agent?: string | undefined;
}

/** More of a client's name than this is kept of nobody. */
const MAX_AGENT = 512;

/** A device that was seen. */
interface SeenDevice extends Seen {
  readonly userId: UserId;
  readonly deviceId: string;
}

/**
 * When devices were seen last: session data, gathered in memory and written from time to time. What was known of a
 * device goes when the device does: whoever follows the log tells of that (`forget`), and how far it has come.
 */
export class LastSeen implements AsyncDisposable {
  readonly #store: SessionStore;
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #waiting = new Map<string, SeenDevice>();
  /** What is being written now. */
  #leaving: ReadonlyMap<string, SeenDevice> = new Map();
  /** Devices that are gone, or all of a user's, and what the store has of them is not. */
  #gone = new Map<string, Set<string> | 'all'>();
  /** How far the log was followed, by partition, since that was last written. */
  #followed = new Map<number, ReadPosition>();
  #writing: Promise<void> = Promise.resolve();

  /** @param report told when it could not be written; it is tried again. */
  constructor(store: SessionStore, now: () => number, report: (error: unknown) => void) {
    this.#store = store;
    this.#now = now;
    this.#report = report;
    this.#timer = setInterval(() => void this.flush().catch(report), FLUSH_MS);
    this.#timer.unref();
  }

  /** Notes that a device has asked something. */
  note({ user_id, device_id }: Session, ip: string, agent?: string): void {
    const name = `${user_id} ${device_id}`;
    const before = this.#waiting.get(name);
    const ts = this.#now();
    if (before !== undefined && before.ip === ip && ts - before.ts < FRESH_MS) return;
    const named = agent === undefined ? {} : { agent: agent.slice(0, MAX_AGENT) };
    this.#waiting.set(name, { userId: user_id, deviceId: device_id, ts, ip, ...named });
  }

  /** Drops what is known of devices that are no more, here at once and in the store soon. */
  forget(userId: string, deviceIds: readonly string[] | 'all'): void {
    for (const [name, seen] of this.#waiting) {
      const isGone = deviceIds === 'all' || deviceIds.includes(seen.deviceId);
      if (seen.userId === userId && isGone) this.#waiting.delete(name);
    }
    this.#noteGone(userId, deviceIds);
    this.flush().catch(this.#report);
  }

  /** All of a partition of `users` before this position has been told to `forget`. */
  followed(partition: number, position: ReadPosition): void {
    this.#followed.set(partition, position);
  }

  /** How far some node had followed a partition when it last wrote; undefined where that is not known. */
  async followedBefore(partition: number): Promise<ReadPosition | undefined> {
    const text = await this.#store.get(placeOf(partition));
    // `flush` has put it there.
    return text === undefined ? undefined : (JSON.parse(text) as ReadPosition);
  }

  /** When a user's devices were seen last, by device ID; what other nodes saw may be half a minute old. */
  async of(userId: UserId): Promise<ReadonlyMap<string, Seen>> {
    const seen = new Map<string, Seen>();
    // Before the store is asked: what is written meanwhile may be neither there yet nor here any more.
    const own = [...this.#leaving.values(), ...this.#waiting.values()].filter((one) => one.userId === userId);
    // The store holds what `flush` has put there.
    for (const [id, text] of await this.#store.list('last_seen', userId))
      seen.set(id, JSON.parse(text) as Seen);
    for (const one of own) seen.set(one.deviceId, one);
    return seen;
  }

  /** Writes what waits. */
  flush(): Promise<void> {
    // One after the other: what is forgotten must not be overtaken by what was being written.
    const written = this.#writing.catch(() => undefined).then(() => this.#write());
    this.#writing = written;
    return written;
  }

  /** Writes what waits, for the last time. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.flush().catch(() => undefined);
  }

  async #write(): Promise<void> {
    const [waiting, gone, followed] = [this.#waiting, this.#gone, this.#followed];
    this.#waiting = new Map();
    this.#gone = new Map();
    this.#followed = new Map();
    this.#leaving = waiting;
    try {
      // What waits was noted after its device was told to be gone, if it was: a device may come again.
      for (const [owner, devices] of gone) await this.#remove(owner, devices);
      await this.#store.put([...[...waiting.values()].map(entryOf), ...[...followed].map(entryOfPosition)]);
    } catch (error) {
      this.#takeBack(waiting, gone, followed);
      throw error;
    } finally {
      this.#leaving = new Map();
    }
  }

  #noteGone(userId: string, devices: readonly string[] | ReadonlySet<string> | 'all'): void {
    const known = this.#gone.get(userId);
    const all = devices === 'all' || known === 'all';
    this.#gone.set(userId, all ? 'all' : new Set([...(known ?? []), ...devices]));
  }

  async #remove(owner: string, devices: ReadonlySet<string> | 'all'): Promise<void> {
    if (devices === 'all') await this.#store.remove({ kind: 'last_seen', owner });
    else for (const name of devices) await this.#store.remove({ kind: 'last_seen', owner, name });
  }

  /** What could not be written waits again, unless there is newer. */
  #takeBack(
    waiting: ReadonlyMap<string, SeenDevice>,
    gone: ReadonlyMap<string, Set<string> | 'all'>,
    followed: ReadonlyMap<number, ReadPosition>,
  ): void {
    for (const [name, seen] of waiting) {
      const devices = this.#gone.get(seen.userId);
      const isGone = devices === 'all' || devices?.has(seen.deviceId) === true;
      if (!this.#waiting.has(name) && !isGone) this.#waiting.set(name, seen);
    }
    for (const [userId, devices] of gone) this.#noteGone(userId, devices);
    for (const [partition, position] of followed) {
      if (!this.#followed.has(partition)) this.#followed.set(partition, position);
    }
  }
}

function entryOf({ userId, deviceId, ts, ip, agent }: SeenDevice): SessionEntry {
  const value = JSON.stringify({ ts, ip, agent });
  return { kind: 'last_seen', owner: userId, name: deviceId, value, ttlMs: TTL_MS };
}

function entryOfPosition([partition, { offset, epoch }]: readonly [number, ReadPosition]): SessionEntry {
  return { ...placeOf(partition), value: JSON.stringify({ offset, epoch }), ttlMs: TTL_MS };
}

function placeOf(partition: number): SessionPlace {
  return { kind: 'seen_followed', owner: '', name: String(partition) };
}
