import type { AnyFact, RoomEventRecord } from '../../src/log/records.ts';
import { slotOf } from '../../src/log/slot.ts';
import { asEventId, asRoomId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import type { JsonObject } from '../../src/matrix/json.ts';
import type { PushRuleChanges } from '../../src/matrix/push-rule-changes.ts';
import { redactJson } from '../../src/matrix/redaction.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import { rootBytes } from '../../src/state/root.ts';
import { StateTree } from '../../src/state/state-tree.ts';
import type { OpenedRecord } from '../framework/model.ts';
import { PartitionFeed } from '../framework/partition-feed.ts';
import type { RecordSource, SourceRecord } from '../framework/record-source.ts';
import { parsedEvent } from '../room-record.ts';
import type { SyncPosition, SyncTopic } from './token.ts';

/** An event as the fake house has decided it. */
export interface FakeEvent {
  readonly room_id: RoomId;
  readonly event_id: string;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key: string | null;
  readonly content: JsonObject;
  readonly redacts: string | null;
  readonly place: number;
  readonly offset: number;
  readonly partition: number;
}

/** Anything in `user_values`. */
export interface FakeValue {
  readonly fact: Extract<AnyFact, { type: 'receipt_set' | 'account_data_set' | 'push_rules_set' }>;
  readonly key: string;
  readonly offset: number;
  readonly partition: number;
}

/** What was appended, about whom. */
export interface HistoryEntry {
  readonly topic: SyncTopic;
  readonly subject: string;
  readonly key: string;
  readonly fact: AnyFact;
}

type Partitions<T> = T[][];

/** A log in memory with the topics that a sync reads: no owner, no rules, what is appended stands. */
export class FakeHouse {
  readonly slots: number;
  readonly events = new Map<RoomId, FakeEvent[]>();
  readonly values: FakeValue[] = [];
  readonly source: RecordSource;
  private readonly records: { readonly [T in SyncTopic]: Partitions<SourceRecord> };
  private readonly waiters = new Set<() => void>();
  /** Everything that was appended, in order, to be appended to another log as well. */
  readonly history: HistoryEntry[] = [];
  private readonly states = new Map<RoomId, StateTree>();
  private nextId = 0;

  constructor(slots: number) {
    this.slots = slots;
    const partitions = (): Partitions<SourceRecord> => Array.from({ length: slots }, () => []);
    this.records = { rooms: partitions(), user_values: partitions(), ephemeral: partitions() };
    this.source = { read: (topic, partition, options) => this.read(topic, partition, options) };
  }

  /** Where the next records will stand. Offsets have gaps: every other is left out. */
  ends(): SyncPosition {
    const end = (list: readonly SourceRecord[]) => (list.at(-1)?.offset ?? -1) + 1;
    const { rooms, user_values, ephemeral } = this.records;
    return { rooms: rooms.map(end), user_values: user_values.map(end), ephemeral: ephemeral.map(end) };
  }

  feed(topic: SyncTopic, partition: number): PartitionFeed {
    return new PartitionFeed(this.source, topic, partition);
  }

  /** Appends an accepted event. */
  event(
    room: string,
    sender: UserId,
    type: string,
    content: JsonObject,
    more: { readonly state_key?: string; readonly redacts?: string } = {},
  ): FakeEvent {
    const roomId = asRoomId(room);
    const list = this.events.get(roomId) ?? [];
    this.events.set(roomId, list);
    const partition = slotOf(roomId, this.slots);
    this.nextId += 1;
    const event: FakeEvent = {
      room_id: roomId,
      event_id: `$e${this.nextId}`,
      type,
      sender,
      state_key: more.state_key ?? null,
      content,
      redacts: more.redacts ?? null,
      place: list.length + 1,
      offset: this.nextOffset('rooms', partition),
      partition,
    };
    list.push(event);
    const before = this.states.get(roomId) ?? StateTree.empty;
    const { state_key, event_id } = event;
    const after = state_key === null ? before : before.set(type, state_key, asEventId(event_id));
    this.states.set(roomId, after);
    const value = recordOf(event, before, after);
    this.append('rooms', partition, roomId, roomId, { type: 'room_event', value });
    return event;
  }

  /** Takes a record as it stands on another log. */
  adopt({ partition, offset, key, fact }: OpenedRecord): void {
    if (
      fact?.type === 'receipt_set' ||
      fact?.type === 'account_data_set' ||
      fact?.type === 'push_rules_set'
    ) {
      this.values.push({ fact, key, offset, partition });
    }
    if (fact?.type !== 'room_event') return;
    const { value } = fact;
    const { pdu } = parsedEvent(value);
    const roomId = asRoomId(key);
    const list = this.events.get(roomId) ?? [];
    this.events.set(roomId, list);
    const { type, sender, content } = pdu;
    const { event_id, redacts, place } = value;
    const state_key = pdu.state_key ?? null;
    list.push({
      room_id: roomId,
      event_id,
      type,
      sender,
      state_key,
      content,
      redacts,
      place,
      offset,
      partition,
    });
  }

  /** Appends a receipt. */
  receipt(userId: UserId, event: FakeEvent, receiptType = 'm.read', threadId: string | null = null): void {
    const key = `${userId}/receipt/${event.room_id}/${receiptType}/${threadId ?? ''}`;
    const known = this.values.findLast((one) => one.key === key)?.fact;
    const before = known?.type === 'receipt_set' ? known.value : undefined;
    const further = before === undefined || event.place > before.furthest_place;
    const value = {
      user_id: userId,
      room_id: event.room_id,
      receipt_type: receiptType,
      thread_id: threadId,
      event_id: event.event_id,
      place: event.place,
      furthest_event_id: further ? event.event_id : before.furthest_event_id,
      furthest_place: further ? event.place : before.furthest_place,
      ts: 1_000 + this.nextId,
    };
    this.value(userId, key, { type: 'receipt_set', value });
  }

  /** Appends account data. */
  accountData(userId: UserId, roomId: RoomId | null, type: string, content: JsonObject): void {
    const value = { user_id: userId, room_id: roomId, type, sealed: JSON.stringify(content) };
    this.value(userId, `${userId}/account_data/${roomId ?? ''}/${type}`, { type: 'account_data_set', value });
  }

  /** Appends push rules. */
  pushRules(userId: UserId, changes: PushRuleChanges): void {
    const value = { user_id: userId, sealed: JSON.stringify(changes) };
    this.value(userId, `${userId}/push_rules`, { type: 'push_rules_set', value });
  }

  /** Appends a word about typing. */
  typing(userId: UserId, roomId: RoomId, until: number): void {
    const value = { room_id: roomId, user_id: userId, typing: until > 0, until };
    const partition = slotOf(roomId, this.slots);
    this.append('ephemeral', partition, roomId, `typing/${roomId}/${userId}`, { type: 'typing', value });
  }

  private value(userId: UserId, key: string, fact: FakeValue['fact']): void {
    const partition = slotOf(userId, this.slots);
    this.values.push({ fact, key, offset: this.nextOffset('user_values', partition), partition });
    this.append('user_values', partition, userId, key, fact);
  }

  private nextOffset(topic: SyncTopic, partition: number): number {
    const last = this.records[topic][partition]?.at(-1)?.offset;
    return last === undefined ? 0 : last + 2;
  }

  private append(topic: SyncTopic, partition: number, subject: string, key: string, fact: AnyFact): void {
    this.history.push({ topic, subject, key, fact });
    const offset = this.nextOffset(topic, partition);
    const opened = { topic, partition, offset, key, at: 0, fact };
    this.records[topic][partition]?.push({
      offset,
      epoch: 0,
      key,
      at: 0,
      digest: new Uint32Array(8),
      opened,
    });
    for (const wake of [...this.waiters]) wake();
  }

  private async *read(
    topic: string,
    partition: number,
    options: Parameters<RecordSource['read']>[2],
  ): ReturnType<RecordSource['read']> {
    // Only these topics are read here.
    const list = this.records[topic as SyncTopic][partition] ?? [];
    let { offset } = options.from;
    while (options.signal?.aborted !== true) {
      const records = list.filter((one) => one.offset >= offset && one.offset < (options.to ?? Infinity));
      const last = records.at(-1);
      if (last !== undefined) {
        offset = last.offset + 1;
        yield { records, next: { offset, epoch: 0 } };
      } else if (options.to !== undefined) return;
      else await this.appended(options.signal);
    }
  }

  private appended(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.waiters.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}

function recordOf(event: FakeEvent, before: StateTree, after: StateTree): RoomEventRecord {
  const { type, state_key, content } = event;
  const rules = roomVersion('11');
  const left = rules && redactJson({ type, content }, rules)['content'];
  const skeleton = {
    room_id: event.room_id,
    type,
    sender: event.sender,
    ...(state_key === null ? {} : { state_key }),
    content: left ?? {},
    origin_server_ts: event.place,
    depth: event.place,
    prev_events: [],
    auth_events: [],
  };
  const root = rootBytes(before.root);
  const changed = [{ type, state_key: state_key ?? '', event_id: event.event_id }];
  return {
    event_id: asEventId(event.event_id),
    room_version: '11',
    kind: 'event',
    verdict: 'accepted',
    reason: null,
    place: event.place,
    skeleton: JSON.stringify(skeleton),
    sealed: `{"content":${JSON.stringify(content)}}`,
    redacts: event.redacts,
    before: { root, partial: false, base: null, changed: [] },
    after: before === after ? null : { root: rootBytes(after.root), partial: false, base: root, changed },
    current: null,
    transaction: null,
  };
}
