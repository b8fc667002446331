import { channel } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMilenaError } from '../../errors/milena-error.ts';
import type { SlotAssignment, SlotOwner } from '../port.ts';
import type { Database } from './database.ts';
import { planLeases } from './lease-plan.ts';
import * as table from './lease-table.ts';

/** Told when a step of the settlement fails: `{ slot?, error }`. */
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

type Callbacks = Parameters<SlotAssignment['join']>[1];

/** A beat of another node, and since when it is known to stand still. */
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
  readonly #seen = new Map<string, Seen>();
  /** Slots that the owner was told of. */
  readonly #held = new Set<number>();
  /** What the owner is being told, slot by slot: `gained` and `lost` never overlap. */
  readonly #telling = new Map<number, Promise<void>>();
  /** Slots whose `gained` failed, and until when they are left to others. */
  readonly #refused = new Map<number, number>();
  #callbacks: Callbacks | undefined;
  #address = '';
  #validUntil = 0;
  #owners: readonly SlotOwner[] | undefined;
  #stepping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  /** @param changed called when leases have changed, to tell other nodes. */
  constructor(database: Database, options: LeaseOptions, changed: () => void) {
    this.#database = database;
    this.#options = options;
    this.#changed = changed;
  }

  async join(node: string, on: Callbacks): Promise<void> {
    const { nodeId, replaces } = this.#options;
    this.#address = node;
    if (replaces !== undefined) {
      const view = await table.look(this.#database, null);
      const gone = view.nodes.map(({ id }) => id).filter((id) => id !== nodeId && replaces(id));
      if (gone.length > 0) await table.removeNodes(this.#database, gone);
    }
    await table.enter(this.#database, nodeId, node);
    this.#callbacks = on;
    await this.#step();
    this.#schedule();
    this.#changed();
  }

  leaseUntil(slot: number): number {
    return this.#held.has(slot) ? this.#validUntil : 0;
  }

  async owners(fresh = false): Promise<readonly SlotOwner[]> {
    // Nodes that joined look once a beat; the others ask when they have to.
    if (fresh || this.#owners === undefined || this.#callbacks === undefined) {
      this.#owners = (await table.look(this.#database, null)).owners;
    }
    return this.#owners;
  }

  async claimed(slot: number, epoch: number): Promise<void> {
    await table.recordEpoch(this.#database, this.#options.nodeId, slot, epoch);
    this.#changed();
  }

  async leave(): Promise<void> {
    if (this.#callbacks === undefined) return;
    clearTimeout(this.#timer);
    await this.#stepping?.catch(() => undefined);
    await Promise.all([...this.#held].map((slot) => this.#lose(slot)));
    this.#callbacks = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
    await table.removeNodes(this.#database, [this.#options.nodeId]);
    this.#changed();
  }

  /** Others have changed leases: looks now instead of at the next beat. */
  poke(): void {
    this.#owners = undefined;
    if (this.#callbacks !== undefined) void this.#stepSafely();
  }

  /** Stops without leaving, as a kill would. */
  stop(): void {
    this.#callbacks = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#stepSafely().then(() => {
        if (this.#callbacks !== undefined) this.#schedule();
      });
    }, this.#options.heartbeatMs);
  }

  async #stepSafely(): Promise<void> {
    try {
      await this.#step();
    } catch (error) {
      failures.publish({ error });
      if (!isMilenaError(error)) throw error;
    }
  }

  /** One step at a time; who asks while one is under way gets that one. */
  #step(): Promise<void> {
    this.#stepping ??= this.#beat().finally(() => {
      this.#stepping = undefined;
    });
    return this.#stepping;
  }

  async #beat(): Promise<void> {
    const { nodeId, ttlMs } = this.#options;
    const sentAt = performance.now();
    const view = await table.look(this.#database, nodeId);
    this.#owners = view.owners;
    if (!view.alive) {
      // Others took this node for dead. It has lost everything and begins again.
      this.#validUntil = 0;
      await Promise.all([...this.#held].map((slot) => this.#lose(slot)));
      await table.enter(this.#database, nodeId, this.#address);
      return;
    }
    this.#extend(sentAt + ttlMs);
    const live = await this.#live(view);
    const mine = view.leases.filter((lease) => lease.node === nodeId).map((lease) => lease.slot);
    for (const slot of [...this.#held]) if (!mine.includes(slot)) void this.#lose(slot);
    const plan = planLeases(nodeId, live, view.leases);
    for (const slot of mine) if (!plan.give.includes(slot)) this.#gain(slot);
    for (const slot of plan.give) void this.#give(slot);
    await this.#take(plan.take);
  }

  async #take(slots: readonly number[]): Promise<void> {
    const now = performance.now();
    const wanted = slots.filter((slot) => (this.#refused.get(slot) ?? 0) <= now);
    if (wanted.length === 0) return;
    for (const slot of await table.takeSlots(this.#database, this.#options.nodeId, wanted)) this.#gain(slot);
    this.#changed();
  }

  /** The nodes that may be alive; those whose beat stood still too long are buried. */
  async #live(view: table.LeaseView): Promise<readonly string[]> {
    const { nodeId, ttlMs } = this.#options;
    const now = performance.now();
    const live: string[] = [];
    for (const { id, beat } of view.nodes) {
      const seen = this.#seen.get(id);
      if (seen === undefined || seen.beat !== beat) this.#seen.set(id, { beat, since: now });
      const still = now - (this.#seen.get(id)?.since ?? now);
      if (id === nodeId || still < ttlMs) live.push(id);
      else if (await table.bury(this.#database, id, beat)) this.#again();
      else live.push(id);
    }
    return live;
  }

  /** The burial has freed slots that this step's view does not show yet. */
  #again(): void {
    this.#changed();
    setImmediate(() => void this.#stepSafely());
  }

  #extend(until: number): void {
    this.#validUntil = until;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(
      () => {
        for (const slot of [...this.#held]) void this.#lose(slot);
      },
      Math.max(0, until - performance.now()),
    );
  }

  #gain(slot: number): void {
    if (this.#held.has(slot) || this.#callbacks === undefined) return;
    this.#held.add(slot);
    const gained = this.#callbacks.gained;
    void this.#tell(slot, async () => {
      if (!this.#held.has(slot)) return;
      try {
        await gained(slot);
      } catch (error) {
        failures.publish({ slot, error });
        this.#refused.set(slot, performance.now() + this.#options.ttlMs);
        void this.#give(slot);
      }
    });
  }

  /** Tells the owner that a slot is lost. The lease does not hold from the first moment. */
  #lose(slot: number): Promise<void> {
    if (!this.#held.delete(slot)) return this.#telling.get(slot) ?? Promise.resolve();
    const lost = this.#callbacks?.lost;
    return this.#tell(slot, async () => {
      try {
        await lost?.(slot);
      } catch (error) {
        failures.publish({ slot, error });
      }
    });
  }

  /** Lets a slot go, when the owner has closed it. */
  async #give(slot: number): Promise<void> {
    await this.#lose(slot);
    try {
      await table.giveSlots(this.#database, this.#options.nodeId, [slot]);
      this.#changed();
    } catch (error) {
      failures.publish({ slot, error });
      // The next step finds the slot still in the table, and gives it again.
      await sleep(0);
    }
  }

  #tell(slot: number, what: () => Promise<void>): Promise<void> {
    const told = (this.#telling.get(slot) ?? Promise.resolve()).then(what);
    this.#telling.set(slot, told);
    return told;
  }
}
