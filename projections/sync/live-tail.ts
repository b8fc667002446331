import { asEventId, asUserId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import type { OpenedRecord } from '../framework/model.ts';
import type { PartitionFeed } from '../framework/partition-feed.ts';
import { RoomTail } from './room-tail.ts';
import { tailEvent } from './tail-event.ts';
import type { TailListener } from './tail-listener.ts';
import { SYNC_TOPICS, type SyncPosition, type SyncTopic } from './token.ts';

/** Facts kept in memory per partition before the older half is dropped. */
const KEPT = 6_000;
/** Milliseconds before a partition that could not be read is tried again. */
const RETRY_MS = 500;

/** Something of the tail that must go when the window moves on. */
interface Kept {
  readonly offset: number;
  readonly drop: () => void;
}

/** What the tail is made of. */
export interface LiveTailDeps {
  readonly feed: (topic: SyncTopic, partition: number) => PartitionFeed;
  /** Where the read models stood when this process began: the tail holds all that came after. */
  readonly start: SyncPosition;
  readonly now: () => number;
  readonly report: (error: unknown, topic: string, partition: number) => void;
}

/**
 * The newest part of the log in memory, by room and by user: an incremental sync is answered from it without
 * Postgres, and waking those who wait is one look-up (architecture, section 6). It holds every fact of its
 * window, `window(topic)` to `end(topic)`; what is older is in the models.
 */
export class LiveTail {
  readonly rooms = new Map<RoomId, RoomTail>();
  private readonly deps: LiveTailDeps;
  private readonly listeners = new Set<TailListener>();
  private readonly starts: { readonly [T in SyncTopic]: number[] };
  private readonly ends: { readonly [T in SyncTopic]: number[] };
  private readonly kept = new Map<string, Kept[]>();

  constructor(deps: LiveTailDeps) {
    this.deps = deps;
    const { rooms, user_values, ephemeral } = deps.start;
    this.starts = { rooms: [...rooms], user_values: [...user_values], ephemeral: [...ephemeral] };
    this.ends = { rooms: [...rooms], user_values: [...user_values], ephemeral: [...ephemeral] };
  }

  /** Follows the log until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(
      SYNC_TOPICS.flatMap((topic) =>
        this.deps.start[topic].map((_, partition) => this.follow(topic, partition, signal)),
      ),
    );
  }

  /** The first offset of each partition that is in the window. */
  window(topic: SyncTopic): readonly number[] {
    return this.starts[topic];
  }

  /** The first offset of each partition that is not read yet. */
  end(topic: SyncTopic): readonly number[] {
    return this.ends[topic];
  }

  /** Everything that was read, as a position. */
  position(): SyncPosition {
    const { rooms, user_values, ephemeral } = this.ends;
    return { rooms: [...rooms], user_values: [...user_values], ephemeral: [...ephemeral] };
  }

  /** Tells `listener` of every fact as it is read, until the returned function is called. */
  listen(listener: TailListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Makes a room known to the tail, and its newest events with it. */
  room(roomId: RoomId): RoomTail {
    const present = this.rooms.get(roomId);
    if (present !== undefined) return present;
    const made = new RoomTail();
    this.rooms.set(roomId, made);
    return made;
  }

  private async follow(topic: SyncTopic, partition: number, signal: AbortSignal): Promise<void> {
    const feed = this.deps.feed(topic, partition);
    const cursor = feed.cursor({ offset: this.starts[topic][partition] ?? 0, epoch: 0 });
    while (!signal.aborted) {
      try {
        if (!(await cursor.ready(signal))) return;
        const batch = cursor.take(1_000);
        for (const { opened, offset } of batch.records) {
          if (opened !== undefined) this.apply(topic, partition, opened);
          this.ends[topic][partition] = offset + 1;
        }
        this.ends[topic][partition] = batch.next.offset;
        for (const listener of this.listeners) listener.advanced();
        this.trim(topic, partition);
      } catch (error) {
        if (signal.aborted) return;
        this.deps.report(error, topic, partition);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private apply(topic: SyncTopic, partition: number, opened: OpenedRecord): void {
    const { fact, offset } = opened;
    if (fact === null) return;
    switch (fact.type) {
      case 'room_event': {
        const event = tailEvent(opened, fact.value);
        if (event === undefined) return;
        const { room_id, state_key } = event.event;
        const room = this.room(room_id);
        room.add(event);
        this.keep(topic, partition, offset, () => this.dropEvent(room_id, offset));
        if (event.membership !== undefined && state_key !== null) {
          const change = { room_id, membership: event.membership, offset, partition, event: event.event };
          for (const listener of this.listeners) listener.membership(asUserId(state_key), change);
        }
        for (const listener of this.listeners) listener.event(room_id, event);
        return;
      }
      case 'typing': {
        const { room_id, user_id, typing, until } = fact.value;
        const roomId = this.roomOf(room_id);
        this.room(roomId).typed(user_id, typing ? until : 0, offset);
        for (const listener of this.listeners) listener.room(roomId);
        return;
      }
      case 'receipt_set': {
        const { user_id, room_id, receipt_type, thread_id, event_id, place, ts, furthest_place } = fact.value;
        const receipt = { user_id, receipt_type, thread_id, event_id: asEventId(event_id), ts, place };
        const roomId = this.roomOf(room_id);
        const room = this.room(roomId);
        room.read({ ...receipt, offset, partition });
        this.keep(topic, partition, offset, () => room.dropReceipts(partition, offset));
        for (const listener of this.listeners) {
          listener.receipt(asUserId(user_id), roomId, { ...receipt, furthest_place });
        }
        return;
      }
      case 'account_data_set': {
        const { user_id, room_id, type, sealed } = fact.value;
        const roomId = room_id === null ? null : this.roomOf(room_id);
        const data = { room_id: roomId, type, content: sealed ?? '{}', offset };
        for (const listener of this.listeners) listener.accountData(asUserId(user_id), data);
        return;
      }
      default:
        return;
    }
  }

  private roomOf(text: string): RoomId {
    // Records hold room IDs that their writer has checked.
    return text as RoomId;
  }

  private keep(topic: SyncTopic, partition: number, offset: number, drop: () => void): void {
    const name = `${topic}/${partition}`;
    const list = this.kept.get(name) ?? [];
    if (list.length === 0) this.kept.set(name, list);
    list.push({ offset, drop });
  }

  private dropEvent(roomId: RoomId, offset: number): void {
    const room = this.rooms.get(roomId);
    room?.dropEvents(offset);
    if (room?.idle === true) this.rooms.delete(roomId);
  }

  private trim(topic: SyncTopic, partition: number): void {
    const list = this.kept.get(`${topic}/${partition}`);
    if (list === undefined || list.length < 2 * KEPT) return;
    const dropped = list.splice(0, list.length - KEPT);
    // The window moves first: whoever asks now finds what is still there to be whole.
    this.starts[topic][partition] = (dropped.at(-1)?.offset ?? -1) + 1;
    for (const one of dropped) one.drop();
  }
}
