import type { ReadPosition } from '../../src/log/port.ts';
import { asEventId, asRoomId, asUserId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { blocksInvites, INVITE_PERMISSION } from '../../src/matrix/invite-permission.ts';
import { parsePushRuleChanges, pushRulesContent } from '../../src/matrix/push-rule-changes.ts';
import { IGNORED_USERS, ignoredIn } from '../accounts/ignored-users.ts';
import type { OpenedRecord } from '../framework/model.ts';
import type { PartitionFeed } from '../framework/partition-feed.ts';
import { PresenceTail } from './presence-tail.ts';
import { RoomTail } from './room-tail.ts';
import type { ForgottenRoom } from './sync-event.ts';
import { tailEvent } from './tail-event.ts';
import type { TailListener } from './tail-listener.ts';
import type { RedactionClock } from './tail-redactions.ts';
import { TailWindow } from './tail-window.ts';
import { SYNC_TOPICS, type SyncPosition, type SyncTopic } from './token.ts';
import { userRules } from './user-rules.ts';
import { UserTail } from './user-tail.ts';

/** Milliseconds before a partition that could not be read is tried again. */
const RETRY_MS = 500;
/** Facts taken at a time: few enough that nobody waits long behind them. */
const BATCH = 500;

/** What the tail is made of. */
export interface LiveTailDeps {
  readonly feed: (topic: SyncTopic, partition: number) => Pick<PartitionFeed, 'cursor'>;
  /** Where to begin, by topic and partition: at or before where the read models stand now. */
  readonly start: { readonly [T in SyncTopic]: readonly ReadPosition[] };
  /** Facts of each topic that are kept in memory, over all partitions (twice as many at most). */
  readonly kept: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Decrypts the status message of a presence record. */
  readonly openStatus: (key: string, closed: Uint8Array) => string;
  readonly report: (error: unknown, topic: SyncTopic, partition: number) => void;
}

/**
 * The newest part of the log in memory, by room and by user: an incremental sync is answered from it without
 * Postgres, and waking those who wait is one look-up (architecture, section 6). It holds every fact of its
 * window; what is older is in the models.
 */
export class LiveTail {
  readonly window: TailWindow;
  readonly presence: PresenceTail;
  private readonly deps: LiveTailDeps;
  private readonly rooms = new Map<RoomId, RoomTail>();
  private readonly users = new Map<UserId, UserTail>();
  private readonly listeners = new Set<TailListener>();
  private readonly clock: RedactionClock = { count: 0, forgotten: 0 };

  constructor(deps: LiveTailDeps) {
    this.deps = deps;
    this.presence = new PresenceTail(deps.openStatus);
    const slots = deps.start.rooms.length;
    this.window = new TailWindow(deps.start, Math.ceil(deps.kept / slots));
  }

  /** Follows the log until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(
      SYNC_TOPICS.flatMap((topic) =>
        this.deps.start[topic].map((start, partition) => this.follow(topic, partition, start, signal)),
      ),
    );
  }

  /** Everything that was read. The same object until more was. */
  position(): SyncPosition {
    return this.window.position();
  }

  /** What the window holds of a room; undefined when that is nothing. */
  room(roomId: RoomId): RoomTail | undefined {
    return this.rooms.get(roomId);
  }

  /** What the window holds of a user; undefined when that is nothing. */
  user(userId: UserId): UserTail | undefined {
    return this.users.get(userId);
  }

  /** Tells `listener` of every fact as it is read, until the returned function is called. */
  listen(listener: TailListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Of the given rooms those in which something stands at or behind a position of the window. Costs the smaller
   * of the rooms and the facts since.
   */
  changedRooms(since: SyncPosition, rooms: ReadonlySet<RoomId>): readonly RoomId[] {
    const changed: RoomId[] = [];
    if (this.window.countSince(since) >= rooms.size) {
      for (const roomId of rooms) if (this.rooms.get(roomId)?.changedSince(since)) changed.push(roomId);
      return changed;
    }
    for (const roomId of this.window.roomsSince(since)) if (rooms.has(roomId)) changed.push(roomId);
    return changed;
  }

  /** How many redactions were read: what is counted from now on knows of these. */
  get redactions(): number {
    return this.clock.count;
  }

  private async follow(
    topic: SyncTopic,
    partition: number,
    start: ReadPosition,
    signal: AbortSignal,
  ): Promise<void> {
    const cursor = this.deps.feed(topic, partition).cursor(start);
    while (!signal.aborted) {
      try {
        if (!(await cursor.ready(signal))) return;
        const batch = cursor.take(BATCH);
        for (const { opened, offset } of batch.records) {
          if (opened !== undefined) this.tryApply(topic, partition, opened);
          this.window.advance(topic, partition, offset + 1);
        }
        this.window.advance(topic, partition, batch.next.offset);
        this.trim(topic, partition);
      } catch (error) {
        if (signal.aborted) return;
        this.deps.report(error, topic, partition);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** A record that cannot be read shows nothing; the models set it aside with its reason. */
  private tryApply(topic: SyncTopic, partition: number, opened: OpenedRecord): void {
    try {
      this.apply(topic, partition, opened);
    } catch (error) {
      this.deps.report(error, topic, partition);
    }
  }

  private apply(topic: SyncTopic, partition: number, opened: OpenedRecord): void {
    const { fact, offset } = opened;
    switch (fact?.type) {
      case 'room_event': {
        const event = tailEvent(opened, fact.value);
        if (event === undefined) return;
        const { room_id, event_id, state_key, sender, place } = event.event;
        this.roomTail(room_id, partition).add(event);
        this.window.keep(topic, partition, { offset, room: room_id });
        if (event.membership !== undefined && state_key !== null) {
          const { membership } = event;
          this.member(asUserId(state_key), {
            room_id,
            membership,
            sender,
            event_id,
            place,
            partition,
            offset,
          });
        }
        for (const listener of this.listeners) listener.room(room_id);
        return;
      }
      case 'room_forgotten':
        this.forgotten(asUserId(fact.value.user_id), { room_id: asRoomId(opened.key), partition, offset });
        return;
      case 'typing': {
        const { user_id, typing, until } = fact.value;
        const roomId = asRoomId(fact.value.room_id);
        const room = this.roomTail(roomId, partition);
        if (!room.typed(user_id, typing ? until : 0, offset, this.deps.now())) return;
        this.window.keep(topic, partition, { offset, room: roomId });
        for (const listener of this.listeners) listener.room(roomId);
        return;
      }
      case 'presence': {
        const isNews = this.presence.take(opened.key, fact.value, { partition, offset }, this.deps.now());
        if (!isNews) return;
        for (const listener of this.listeners) listener.presence(asUserId(fact.value.user_id));
        return;
      }
      case 'receipt_set':
        this.receipt(partition, offset, fact.value);
        return;
      case 'push_rules_set':
        this.rules(partition, offset, fact.value);
        return;
      case 'account_data_set': {
        const { user_id, room_id, type, sealed } = fact.value;
        const roomId = room_id === null ? null : asRoomId(room_id);
        if (roomId === null) this.preference(asUserId(user_id), type, sealed ?? '{}');
        this.datum(asUserId(user_id), partition, { room_id: roomId, type, content: sealed ?? '{}', offset });
        return;
      }
      default:
        return;
    }
  }

  private member(userId: UserId, membership: Parameters<TailListener['membership']>[1]): void {
    this.userTail(userId).memberships.push(membership);
    this.window.keep('rooms', membership.partition, { offset: membership.offset, user: userId });
    for (const listener of this.listeners) listener.membership(userId, membership);
  }

  private forgotten(userId: UserId, room: ForgottenRoom): void {
    this.userTail(userId).forgotten.push(room);
    this.window.keep('rooms', room.partition, { offset: room.offset, user: userId });
    for (const listener of this.listeners) listener.forgotten(userId, room);
  }

  private receipt(
    partition: number,
    offset: number,
    value: Extract<OpenedRecord['fact'], { type: 'receipt_set' }>['value'],
  ): void {
    const { receipt_type, thread_id, ts, furthest_place } = value;
    const userId = asUserId(value.user_id);
    const roomId = asRoomId(value.room_id);
    const eventId = asEventId(value.event_id);
    if (receipt_type === 'm.fully_read') {
      // The spec shows the fully-read marker as account data.
      const content = JSON.stringify({ event_id: eventId });
      this.datum(userId, partition, { room_id: roomId, type: receipt_type, content, offset });
      return;
    }
    this.roomTail(roomId, this.window.slot(roomId)).read({
      user_id: userId,
      receipt_type,
      thread_id,
      event_id: eventId,
      ts,
      furthest_place,
      partition,
      offset,
    });
    this.window.keep('user_values', partition, { offset, room: roomId });
    for (const listener of this.listeners) {
      listener.read(userId, roomId, furthest_place, thread_id);
      if (receipt_type === 'm.read') listener.room(roomId);
      else listener.user(userId);
    }
  }

  /** Account data by which syncs go. */
  private preference(userId: UserId, type: string, content: string): void {
    if (type === IGNORED_USERS) {
      const users = new Set(ignoredIn(content, userId));
      for (const listener of this.listeners) listener.ignored(userId, users);
    }
    if (type === INVITE_PERMISSION) {
      const blocked = blocksInvites(content);
      for (const listener of this.listeners) listener.inviting(userId, blocked);
    }
  }

  private rules(
    partition: number,
    offset: number,
    value: Extract<OpenedRecord['fact'], { type: 'push_rules_set' }>['value'],
  ): void {
    const userId = asUserId(value.user_id);
    const changes = parsePushRuleChanges(value.sealed);
    const rules = userRules(userId, changes, offset);
    this.userTail(userId).rules = rules;
    for (const listener of this.listeners) listener.rules(userId, rules);
    const content = pushRulesContent(userId, changes);
    this.datum(userId, partition, { room_id: null, type: 'm.push_rules', content, offset });
  }

  private datum(userId: UserId, partition: number, datum: UserTail['accountData'][number]): void {
    this.userTail(userId).accountData.push(datum);
    this.window.keep('user_values', partition, { offset: datum.offset, user: userId });
    for (const listener of this.listeners) listener.user(userId);
  }

  private roomTail(roomId: RoomId, partition: number): RoomTail {
    const present = this.rooms.get(roomId);
    if (present !== undefined) return present;
    const made = new RoomTail(partition, this.clock);
    this.rooms.set(roomId, made);
    return made;
  }

  private userTail(userId: UserId): UserTail {
    const present = this.users.get(userId);
    if (present !== undefined) return present;
    const made = new UserTail();
    this.users.set(userId, made);
    return made;
  }

  private trim(topic: SyncTopic, partition: number): void {
    const dropped = this.window.trim(topic, partition);
    if (dropped === undefined) return;
    for (const roomId of dropped.rooms) {
      const room = this.rooms.get(roomId);
      room?.drop(topic, partition, dropped.before, this.deps.now());
      if (room?.idle === true) this.rooms.delete(roomId);
    }
    for (const userId of dropped.users) {
      const user = this.users.get(userId);
      user?.drop(topic, partition, dropped.before);
      if (user?.idle === true) this.users.delete(userId);
    }
  }
}
