import type pg from 'pg';
import { tell } from './channels.ts';
import type { Database } from './database.ts';
import type { Signals } from './signals.ts';

/** What partitions are shared out for: classes of advisory locks ("milena" and what for), and where it is told. */
interface LeaseKind {
  readonly member: number;
  readonly partition: number;
  readonly told: 'projectors' | 'managers';
}

const PROJECTORS: LeaseKind = { member: 0x6d696c02, partition: 0x6d696c03, told: 'projectors' };

/** Partitions whose process managers this process runs. */
export const MANAGERS: LeaseKind = { member: 0x6d696c04, partition: 0x6d696c05, told: 'managers' };

/** How often a process that does not hold everything looks for what has become free. */
const LOOK_MS = 1_000;

/** What is done when this process gains or loses a partition. */
export interface LeaseHandlers {
  readonly gained: (partition: number) => void;
  /** Resolves when nothing of the partition is under way any more. */
  readonly lost: (partition: number) => Promise<void>;
}

/**
 * Which partitions this process projects, for all models: they share reading and decoding; or whose process managers
 * it runs. Every process that does so holds one shared lock, so each can count the others and take its share; a
 * partition is held by a lock of its own. The locks live on one connection, so a killed process lets go at once. A
 * process that holds all partitions is woken by newcomers and asks nothing meanwhile. Nothing is held before `enter`.
 */
export class Leases {
  readonly #signals: Signals;
  readonly #slots: number;
  readonly #handlers: LeaseHandlers;
  readonly #kind: LeaseKind;
  readonly #held = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  /** The connection that holds this process's lock of a member. */
  #member: pg.Client | undefined;
  #entered = false;

  constructor(signals: Signals, slots: number, handlers: LeaseHandlers, kind = PROJECTORS) {
    this.#signals = signals;
    this.#slots = slots;
    this.#handlers = handlers;
    this.#kind = kind;
    signals.on(kind.told, () => void this.settle());
    signals.onConnected(() => this.#serially(() => this.#join()));
    signals.onLost(() => void this.#serially(() => this.#release([...this.#held])));
  }

  /** Partitions held by this process. */
  get held(): ReadonlySet<number> {
    return this.#held;
  }

  /** Takes and gives until this process has its share. */
  settle(): Promise<void> {
    return this.#serially(() => this.#settle());
  }

  /** Takes a share from now on. More than once does no harm. */
  async enter(): Promise<void> {
    if (this.#entered) return;
    this.#entered = true;
    await this.#serially(() => this.#join());
  }

  /** Lets go of everything, until `enter`. */
  async leave(): Promise<void> {
    if (!this.#entered) return;
    this.#entered = false;
    clearTimeout(this.#timer);
    await this.#serially(async () => {
      await this.#release([...this.#held]);
      await this.#signals.client?.query('SELECT pg_advisory_unlock_shared($1, 0)', [this.#kind.member]);
      this.#member = undefined;
    });
    await this.#signals.tell(this.#kind.told, 'left').catch(() => undefined);
  }

  async #join(): Promise<void> {
    const { client } = this.#signals;
    // Advisory locks count: one taken twice would have to be let go twice.
    if (!this.#entered || client === undefined || client === this.#member) return;
    await client.query('SELECT pg_advisory_lock_shared($1, 0)', [this.#kind.member]);
    this.#member = client;
    await this.#signals.tell(this.#kind.told, 'joined');
    void this.settle();
  }

  #serially(work: () => Promise<void>): Promise<void> {
    const next = this.#work.then(work).catch(() => undefined); // A broken connection is told by `onLost`.
    this.#work = next;
    return next;
  }

  async #settle(): Promise<void> {
    clearTimeout(this.#timer);
    const client = this.#signals.client;
    if (!this.#entered || client === undefined) return;
    const before = this.#held.size;
    const share = Math.ceil(this.#slots / Math.max(1, await countMembers(client, this.#kind.member)));
    if (this.#held.size > share) {
      await this.#release([...this.#held].slice(share));
      await this.#signals.tell(this.#kind.told, 'gave');
    }
    for (let slot = 0; slot < this.#slots && this.#held.size < share; slot++) {
      if (!this.#held.has(slot) && (await tryLock(client, this.#kind.partition, slot))) this.#gain(slot);
    }
    if (this.#held.size !== before && this.#kind === PROJECTORS) tell('lease', { held: [...this.#held] });
    if (this.#held.size < this.#slots) {
      this.#timer = setTimeout(() => void this.settle(), LOOK_MS);
      this.#timer.unref();
    }
  }

  #gain(slot: number): void {
    this.#held.add(slot);
    this.#handlers.gained(slot);
  }

  async #release(slots: readonly number[]): Promise<void> {
    await Promise.all(slots.map((slot) => this.#handlers.lost(slot)));
    for (const slot of slots) {
      this.#held.delete(slot);
      await this.#signals.client
        ?.query('SELECT pg_advisory_unlock($1, $2)', [this.#kind.partition, slot])
        .catch(() => undefined);
    }
  }
}

const MEMBERS = `SELECT count(*) AS members FROM pg_locks
  WHERE locktype = 'advisory' AND classid = $1 AND objid = 0 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

async function countMembers(client: pg.Client, member: number): Promise<number> {
  const { rows } = await client.query<{ members: number }>(MEMBERS, [member]);
  return rows[0]?.members ?? 1;
}

/** Whether any process projects the schemas that are active. */
export async function isProjected(database: Database): Promise<boolean> {
  const [row] = await database.read<{ members: number }>(MEMBERS, [PROJECTORS.member]);
  return (row?.members ?? 0) > 0;
}

async function tryLock(client: pg.Client, kind: number, slot: number): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS held', [
    kind,
    slot,
  ]);
  return rows[0]?.held === true;
}
