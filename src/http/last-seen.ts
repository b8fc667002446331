import type { UserId } from '../matrix/identifiers.ts';
import type { SessionStore } from '../sessions/port.ts';
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

/** When devices were seen last: session data, gathered in memory and written from time to time. */
export class LastSeen implements AsyncDisposable {
  readonly #store: SessionStore;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #waiting = new Map<string, Seen & { readonly userId: UserId; readonly deviceId: string }>();

  /** @param report told when it could not be written; it is tried again. */
  constructor(store: SessionStore, now: () => number, report: (error: unknown) => void) {
    this.#store = store;
    this.#now = now;
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

  /** When a user's devices were seen last, by device ID; what other nodes saw may be half a minute old. */
  async of(userId: UserId): Promise<ReadonlyMap<string, Seen>> {
    const seen = new Map<string, Seen>();
    // The store holds what `flush` has put there.
    for (const [id, text] of await this.#store.list('last_seen', userId))
      seen.set(id, JSON.parse(text) as Seen);
    for (const one of this.#waiting.values()) {
      if (one.userId === userId) seen.set(one.deviceId, one);
    }
    return seen;
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    try {
      const entries = [...waiting.values()].map(({ userId, deviceId, ts, ip, agent }) => ({
        kind: 'last_seen' as const,
        owner: userId,
        name: deviceId,
        value: JSON.stringify({ ts, ip, agent }),
        ttlMs: TTL_MS,
      }));
      await this.#store.put(entries);
    } catch (error) {
      for (const [name, seen] of waiting) if (!this.#waiting.has(name)) this.#waiting.set(name, seen);
      throw error;
    }
  }

  /** Writes what waits, for the last time. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.flush().catch(() => undefined);
  }
}
