import { MilenaError } from '../errors/milena-error.ts';
import { slotOf } from '../log/slot.ts';
import type { TopicName } from '../log/topics.ts';
import type { CommandResult } from '../owner/commands.ts';
import type { ReadGate } from './reads/read-gate.ts';

/** How long a read waits for this node's own writes, milliseconds. Then it answers from what there is. */
const OWN_WRITES_MS = 2_000;
/** How long a read waits for the log's end before it says that something does not exist. */
const NOT_FOUND_MS = 5_000;

const USER_TOPICS: readonly TopicName[] = ['users', 'user_values'];

/**
 * Reading one's own writes. For each partition this node remembers how far it has acknowledged writes; a
 * query about a room, user or alias first waits until the models hold that. Almost always they do, and the
 * look costs a comparison. For what is not found, the log's own end is asked and waited for.
 */
export class Freshness {
  readonly #gate: ReadGate;
  readonly #slots: number;
  readonly #written = new Map<TopicName, number[]>();

  constructor(gate: ReadGate, slots: number) {
    this.#gate = gate;
    this.#slots = slots;
  }

  /** Notes what a command has written. */
  wrote(written: CommandResult['written']): void {
    if (written === undefined) return;
    const topic = written.topic as TopicName; // Owners write to topics of the log and nowhere else.
    const offsets = this.#written.get(topic) ?? [];
    offsets[written.partition] = Math.max(offsets[written.partition] ?? -1, written.offset);
    this.#written.set(topic, offsets);
  }

  /** The last offset that this node has acknowledged, by topic and partition. */
  get written(): ReadonlyMap<TopicName, readonly (number | undefined)[]> {
    return this.#written;
  }

  /** Waits for the writes about a room. */
  room(roomId: string): Promise<unknown> {
    return this.#settle('rooms', slotOf(roomId, this.#slots));
  }

  /** Waits for the writes about a user: account, profile, account data, filters, receipts. */
  user(userId: string): Promise<unknown> {
    const slot = slotOf(userId, this.#slots);
    return Promise.all(USER_TOPICS.map((topic) => this.#settle(topic, slot)));
  }

  /** Waits for the writes about an alias or a room's place in the directory. */
  resource(name: string): Promise<unknown> {
    return this.#settle('server', slotOf(name, this.#slots));
  }

  /** Waits for every write of this node. */
  async all(): Promise<void> {
    const waits: Promise<unknown>[] = [];
    for (const [topic, offsets] of this.#written) {
      for (const slot of offsets.keys()) waits.push(this.#settle(topic, slot));
    }
    await Promise.all(waits);
  }

  /**
   * `find`; and once more when it gave undefined, after the models have caught up with the log.
   * @param key what it is about, or all that it may be about.
   * @throws MilenaError UNAVAILABLE when they have not in time: that something does not exist is not known then.
   */
  async orLater<T>(
    topic: TopicName,
    key: string | readonly string[],
    find: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const found = await find();
    if (found !== undefined) return found;
    const slots = new Set([key].flat().map((one) => slotOf(one, this.#slots)));
    const waits = [...slots].map((slot) => this.#gate.caughtUp(topic, slot, NOT_FOUND_MS));
    const caughtUp = await Promise.all(waits);
    const later = await find();
    if (later === undefined && caughtUp.includes(false)) throw new MilenaError('UNAVAILABLE');
    return later;
  }

  #settle(topic: TopicName, slot: number): Promise<unknown> {
    const offset = this.#written.get(topic)?.[slot];
    return offset === undefined ? Promise.resolve() : this.#gate.reached(topic, slot, offset, OWN_WRITES_MS);
  }
}
