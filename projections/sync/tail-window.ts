import type { ReadPosition } from '../../src/log/port.ts';
import { slotOf } from '../../src/log/slot.ts';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { SYNC_TOPICS, type SyncPosition, type SyncTopic } from './token.ts';

/** One fact of the window: of which room, or of which user. */
export interface KeptFact {
  readonly offset: number;
  readonly room?: RoomId;
  readonly user?: UserId;
}

/** What has left the window: facts of these rooms and users before the offset. */
export interface Dropped {
  readonly before: number;
  readonly rooms: ReadonlySet<RoomId>;
  readonly users: ReadonlySet<UserId>;
}

type Offsets = { readonly [T in SyncTopic]: number[] };

interface Waiter {
  readonly topic: SyncTopic;
  readonly partition: number;
  readonly end: number;
  readonly resolve: (reached: boolean) => void;
}

/** From where to where the tail reaches in each partition, and whose facts stand there. */
export class TailWindow {
  readonly slots: number;
  private readonly keptFacts: number;
  private readonly starts: Offsets;
  private readonly ends: Offsets;
  private readonly facts: { readonly [T in SyncTopic]: KeptFact[][] };
  private snapshot: SyncPosition | undefined;
  private readonly waiters = new Set<Waiter>();

  /** @param kept facts per partition that stay when the window is trimmed. */
  constructor(start: { readonly [T in SyncTopic]: readonly ReadPosition[] }, kept: number) {
    this.slots = start.rooms.length;
    this.keptFacts = kept;
    const offsets = (): Offsets => ({
      rooms: start.rooms.map(({ offset }) => offset),
      user_values: start.user_values.map(({ offset }) => offset),
      ephemeral: start.ephemeral.map(({ offset }) => offset),
    });
    this.starts = offsets();
    this.ends = offsets();
    const lists = () => Array.from({ length: this.slots }, (): KeptFact[] => []);
    this.facts = { rooms: lists(), user_values: lists(), ephemeral: lists() };
  }

  /** The slot of a room or user. */
  slot(id: RoomId | UserId): number {
    return slotOf(id, this.slots);
  }

  /** The first offset of each partition that is in the window. */
  start(topic: SyncTopic): readonly number[] {
    return this.starts[topic];
  }

  /** The first offset of each partition that is not read yet. */
  end(topic: SyncTopic): readonly number[] {
    return this.ends[topic];
  }

  /** The ends of all topics. The same object until one of them moves. */
  position(): SyncPosition {
    const { rooms, user_values, ephemeral } = this.ends;
    this.snapshot ??= { rooms: [...rooms], user_values: [...user_values], ephemeral: [...ephemeral] };
    return this.snapshot;
  }

  /** Whether everything of a partition at or behind an offset is in the window, as far as it was read. */
  holdsFrom(topic: SyncTopic, partition: number, offset: number): boolean {
    return offset >= (this.starts[topic][partition] ?? 0);
  }

  /** More of a partition was read. */
  advance(topic: SyncTopic, partition: number, end: number): void {
    if (end <= (this.ends[topic][partition] ?? 0)) return;
    this.ends[topic][partition] = end;
    this.snapshot = undefined;
    for (const waiter of this.waiters) {
      if (waiter.topic === topic && waiter.partition === partition && waiter.end <= end) waiter.resolve(true);
    }
  }

  /** Resolves true when everything before `end` was read, false after `timeoutMs`. */
  reached(topic: SyncTopic, partition: number, end: number, timeoutMs: number): Promise<boolean> {
    if ((this.ends[topic][partition] ?? 0) >= end) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (reached: boolean): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(reached);
      };
      const waiter = { topic, partition, end, resolve: done };
      const timer = setTimeout(done, timeoutMs, false);
      this.waiters.add(waiter);
    });
  }

  /** A fact is in the window. */
  keep(topic: SyncTopic, partition: number, fact: KeptFact): void {
    this.facts[topic][partition]?.push(fact);
  }

  /** The starts of all topics. */
  startPosition(): SyncPosition {
    return this.starts;
  }

  /** How many facts of the window stand at or behind a position. */
  countSince(since: SyncPosition): number {
    let count = 0;
    for (const topic of SYNC_TOPICS) {
      for (const [partition, facts] of this.facts[topic].entries()) {
        count += facts.length - firstFrom(facts, since[topic][partition] ?? 0);
      }
    }
    return count;
  }

  /** The rooms of the facts at or behind a position, each once. */
  roomsSince(since: SyncPosition): ReadonlySet<RoomId> {
    const rooms = new Set<RoomId>();
    for (const topic of SYNC_TOPICS) {
      for (const [partition, facts] of this.facts[topic].entries()) {
        for (let index = firstFrom(facts, since[topic][partition] ?? 0); index < facts.length; index += 1) {
          const room = facts[index]?.room;
          if (room !== undefined) rooms.add(room);
        }
      }
    }
    return rooms;
  }

  /** Moves the start of a partition's window when it has grown to twice its size. */
  trim(topic: SyncTopic, partition: number): Dropped | undefined {
    const facts = this.facts[topic][partition];
    if (facts === undefined || facts.length < 2 * this.keptFacts) return undefined;
    let count = facts.length - this.keptFacts;
    // A record's facts leave together.
    while (count > 0 && facts[count]?.offset === facts[count - 1]?.offset) count -= 1;
    // All that is there may be of one record.
    if (count === 0) return undefined;
    const before = (facts[count - 1]?.offset ?? -1) + 1;
    const rooms = new Set<RoomId>();
    const users = new Set<UserId>();
    for (const { room, user } of facts.splice(0, count)) {
      if (room !== undefined) rooms.add(room);
      if (user !== undefined) users.add(user);
    }
    this.starts[topic][partition] = before;
    return { before, rooms, users };
  }
}

function firstFrom(facts: readonly KeptFact[], offset: number): number {
  // Most have seen everything.
  if ((facts.at(-1)?.offset ?? -1) < offset) return facts.length;
  let low = 0;
  let high = facts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((facts[middle]?.offset ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
