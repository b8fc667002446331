import { channel } from 'node:diagnostics_channel';
import { MilenaError } from '../../errors/milena-error.ts';
import type { SlotAssignment, SlotOwner } from '../port.ts';
import type { Database } from './database.ts';
import { HeldSlots, type SlotCallbacks } from './held-slots.ts';
import { planLeases } from './lease-plan.ts';
import * as table from './lease-table.ts';

/** Told when a step of the settlement fails: `{ slot?, error }`. The next beat tries again. */
const failures = channel('milena:log:assignment-failure');

/** How leases are kept. */
export interface LeaseOptions {
  /** This node's ID, unique among processes that ever were. */
  readonly nodeId: string;
  /** How often a node beats, in milliseconds. */
  readonly heartbeatMs: number;
  /** After how long without a beat a node's slots go to others, in milliseconds. */
  readonly ttlMs: number;
  /** Says of a node's ID that its process is known to be gone, so that nobody waits for it. */
  readonly replaces?: (nodeId: string) => boolean;
}

/** A beat of a node, and since when it is known to stand still. */
interface Seen {
  readonly beat: number;
  readonly since: number;
}

/**
 * Leases of slots in the log's own Postgres. A node lives while its beat rises; those who look judge that by
 * their own monotonic clocks, so nobody's wall clock matters. A node's lease ends `ttlMs` after it *sent* its
 * last beat that succeeded; others bury it when they have seen the beat stand still for `ttlMs`, which began
 * later. So it has stopped answering before another may claim.
 */
export class PostgresAssignment implements SlotAssignment {
  readonly #database: Database;
  readonly #options: LeaseOptions;
  readonly #changed: () => void;
  #seen: ReadonlyMap<string, Seen> = new Map();
  /** Slots that are being given away. They stand in the table until the owner has closed them. */
  readonly #giving = new Set<number>();
  /** Slots whose owner failed, and until when they are left to others. */
  readonly #refused = new Map<number, number>();
  #held: HeldSlots | undefined;
  #address = '';
  #validUntil = 0;
  #owners: readonly SlotOwner[] | undefined;
  #stepping: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  /** @param changed called when leases have changed, to tell other nodes. */
  constructor(database: Database, options: LeaseOptions, changed: () => void) {
    this.#database = database;
    this.#options = options;
    this.#changed = changed;
  }

  async join(node: string, on: SlotCallbacks): Promise<void> {
    const { nodeId, replaces } = this.#options;
    this.#address = node;
    if (replaces !== undefined) {
      const view = await table.look(this.#database, null);
      const gone = view.nodes.map(({ id }) => id).filter((id) => id !== nodeId && replaces(id));
      if (gone.length > 0) await table.removeNodes(this.#database, gone);
    }
    await table.enter(this.#database, nodeId, node);
    this.#held = new HeldSlots(on, (slot, error) => this.#failed(slot, error));
    await this.#step();
    this.#schedule();
    this.#changed();
  }

  leaseUntil(slot: number): number {
    return this.#held?.has(slot) === true ? this.#validUntil : 0;
  }

  async owners(fresh = false): Promise<readonly SlotOwner[]> {
    // What is known is forgotten when another node says that leases have changed.
    if (fresh || this.#owners === undefined) this.#owners = (await table.look(this.#database, null)).owners;
    return this.#owners;
  }

  async claimed(slot: number, epoch: number): Promise<void> {
    await table.recordEpoch(this.#database, this.#options.nodeId, slot, epoch);
    this.#owners = undefined;
    this.#changed();
  }

  async leave(): Promise<void> {
    const held = this.#held;
    if (held === undefined) return;
    clearTimeout(this.#timer);
    this.#again = false;
    await this.#stepping?.catch(() => undefined);
    await held.loseAll();
    this.stop();
    await table.removeNodes(this.#database, [this.#options.nodeId]);
    this.#changed();
  }

  /** Others have changed leases: looks now instead of at the next beat. */
  poke(): void {
    this.#owners = undefined;
    if (this.#held !== undefined) void this.#stepSafely();
  }

  /** Stops without leaving, as a kill would. */
  stop(): void {
    this.#held = undefined;
    this.#again = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#held === undefined) return;
    this.#timer = setTimeout(() => {
      void this.#stepSafely().then(() => this.#schedule());
    }, this.#options.heartbeatMs);
  }

  async #stepSafely(): Promise<void> {
    try {
      await this.#step();
    } catch (error) {
      failures.publish({ error });
    }
  }

  /** One step at a time; who asks while one is under way gets another one after it. */
  #step(): Promise<void> {
    if (this.#stepping !== undefined) this.#again = true;
    this.#stepping ??= this.#steps().finally(() => {
      this.#stepping = undefined;
    });
    return this.#stepping;
  }

  async #steps(): Promise<void> {
    do {
      this.#again = false;
      if (this.#held !== undefined) await this.#beat(this.#held);
    } while (this.#again);
  }

  async #beat(held: HeldSlots): Promise<void> {
    const { nodeId, ttlMs } = this.#options;
    const sentAt = performance.now();
    // What takes longer than the lease extends nothing; the next beat goes over another connection.
    const view = await within(ttlMs, table.look(this.#database, nodeId));
    this.#owners = view.owners;
    if (!view.alive) return this.#beginAgain(held);
    this.#extend(held, sentAt + ttlMs);
    const live = await this.#bury(view);
    if (live.length < view.nodes.length) this.#again = true;
    const mine = view.leases.filter((lease) => lease.node === nodeId).map((lease) => lease.slot);
    for (const slot of held.all()) if (!mine.includes(slot)) void held.lose(slot);
    const { take, give } = planLeases(nodeId, live, view.leases);
    for (const slot of mine) {
      if (give.includes(slot) || this.#isRefused(slot)) void this.#give(held, slot);
      else if (!this.#giving.has(slot)) held.gain(slot);
    }
    await this.#take(
      held,
      take.filter((slot) => !this.#isRefused(slot)),
    );
  }

  /** Others took this node for dead, and have its slots. */
  async #beginAgain(held: HeldSlots): Promise<void> {
    this.#validUntil = 0;
    await held.loseAll();
    await table.enter(this.#database, this.#options.nodeId, this.#address);
    this.#again = true;
  }

  /** Buries the nodes whose beat has stood still too long. @returns the others. */
  async #bury(view: table.LeaseView): Promise<readonly string[]> {
    const { nodeId, ttlMs } = this.#options;
    const now = performance.now();
    const seen = new Map<string, Seen>();
    const live: string[] = [];
    for (const { id, beat } of view.nodes) {
      const before = this.#seen.get(id);
      const known = before?.beat === beat ? before : { beat, since: now };
      seen.set(id, known);
      const gone =
        id !== nodeId && now - known.since >= ttlMs && (await table.bury(this.#database, id, beat));
      if (!gone) live.push(id);
    }
    this.#seen = seen;
    return live;
  }

  #extend(held: HeldSlots, until: number): void {
    this.#validUntil = until;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => void held.loseAll(), Math.max(0, until - performance.now()));
  }

  async #take(held: HeldSlots, slots: readonly number[]): Promise<void> {
    if (slots.length === 0) return;
    const taken = await table.takeSlots(this.#database, this.#options.nodeId, slots);
    for (const slot of taken) held.gain(slot);
    this.#owners = undefined;
    this.#changed();
  }

  /** Lets a slot go, when the owner has closed it. */
  async #give(held: HeldSlots, slot: number): Promise<void> {
    if (this.#giving.has(slot)) return;
    this.#giving.add(slot);
    try {
      await held.lose(slot);
      await table.giveSlots(this.#database, this.#options.nodeId, [slot]);
      this.#owners = undefined;
      this.#changed();
    } catch (error) {
      // The next step finds the slot still in the table, and decides again.
      failures.publish({ slot, error });
    } finally {
      this.#giving.delete(slot);
    }
  }

  #failed(slot: number, error: unknown): void {
    failures.publish({ slot, error });
    this.#refused.set(slot, performance.now() + this.#options.ttlMs);
    if (this.#held !== undefined) void this.#give(this.#held, slot);
  }

  #isRefused(slot: number): boolean {
    return (this.#refused.get(slot) ?? 0) > performance.now();
  }
}

/** @throws MilenaError LOG_UNAVAILABLE when it takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new MilenaError('LOG_UNAVAILABLE')), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    // What comes after nobody waits for.
    work.catch(() => undefined);
  }
}
