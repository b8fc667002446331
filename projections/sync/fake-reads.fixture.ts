import { asEventId, asUserId, type EventId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { parsePushRuleChanges, pushRulesContent } from '../../src/matrix/push-rule-changes.ts';
import type { EventRelations } from '../timeline/stored-event.ts';
import { relationsAmong, shownEvents } from './fake-events.fixture.ts';
import type { FakeEvent, FakeHouse, FakeValue } from './fake-house.fixture.ts';
import { countUnread, findThread, lastRules, membersAt, readsOf } from './plain-counts.fixture.ts';
import { stateWithin } from './room-state.ts';
import type { AccountDatum, Membership, Receipt, SyncEvent } from './sync-event.ts';
import type { ModelTopic, SyncReads, VisibilityFrom } from './sync-reads.ts';
import { planIn, type UserRules } from './user-rules.ts';

/** What the read models of a `FakeHouse` say, worked out anew for every question; they may lag behind it. */
export class FakeReads implements SyncReads {
  /** Where the models stand. */
  readonly models: { rooms: number[]; user_values: number[] };
  /** Whether waiting for the models helps. */
  catchesUp = true;
  /** Questions asked, other than where the models are. */
  asked = 0;
  private readonly house: FakeHouse;

  constructor(house: FakeHouse) {
    this.house = house;
    const zeros = () => Array.from({ length: house.slots }, () => 0);
    this.models = { rooms: zeros(), user_values: zeros() };
  }

  /** Brings the models to the end of the log. */
  catchUp(): void {
    const ends = this.house.ends();
    this.models.rooms = [...ends.rooms];
    this.models.user_values = [...ends.user_values];
  }

  /** Another build of the models is switched in, which may be behind the one before. */
  rebuild(random: (below: number) => number): void {
    for (const topic of ['rooms', 'user_values'] as const) {
      this.models[topic] = this.models[topic].map((at) => Math.max(0, at - random(4)));
    }
  }

  reached(topic: ModelTopic): readonly number[] {
    return [...this.models[topic]];
  }

  reach(topic: ModelTopic, partition: number, end: number): Promise<boolean> {
    const at = this.models[topic][partition] ?? 0;
    if (at >= end) return Promise.resolve(true);
    if (this.catchesUp) this.models[topic][partition] = end;
    return Promise.resolve(this.catchesUp);
  }

  async memberships(userId: UserId, below: readonly number[]): Promise<readonly Membership[]> {
    this.asked += 1;
    return [...this.house.events.keys()].flatMap((roomId) =>
      this.memberEvents(roomId)
        .filter((event) => event.state_key === userId && event.offset < (below[event.partition] ?? 0))
        .map((event) => ({ ...event, event_id: asEventId(event.event_id), membership: membershipOf(event) })),
    );
  }

  async touched(rooms: Parameters<SyncReads['touched']>[0]): Promise<ReadonlySet<RoomId>> {
    this.asked += 1;
    const touched = rooms.filter(
      ({ room_id, offset }) => (this.known(room_id).at(-1)?.offset ?? -1) >= offset,
    );
    return new Set(touched.map(({ room_id }) => room_id));
  }

  async places(rooms: Parameters<SyncReads['places']>[0]): Promise<readonly number[]> {
    this.asked += 1;
    return rooms.map(
      ({ room_id, offset }) => this.known(room_id).findLast((event) => event.offset < offset)?.place ?? 0,
    );
  }

  async timelines(
    ...[asks, selection, limit]: Parameters<SyncReads['timelines']>
  ): ReturnType<SyncReads['timelines']> {
    this.asked += 1;
    return new Map(
      asks.map(({ room_id, after, upTo }) => {
        const events = this.shown(room_id).filter(
          (event) => event.place > after && event.place <= upTo && selection.takes(event),
        );
        return [room_id, events.slice(Math.max(0, events.length - limit)).map((event) => this.filled(event))];
      }),
    );
  }

  async states(...[asks, types]: Parameters<SyncReads['states']>): ReturnType<SyncReads['states']> {
    this.asked += 1;
    return new Map(
      asks.map(({ room_id, after, at, members }) => [
        room_id,
        stateWithin(this.shown(room_id), -1, at)
          .filter(({ type, state_key, place }) => {
            if (place <= after) return false;
            if (type !== 'm.room.member') return types?.includes(type) !== false;
            return members === 'all' || members.includes(state_key ?? '');
          })
          .map((event) => this.filled(event)),
      ]),
    );
  }

  async replaced(asks: Parameters<SyncReads['replaced']>[0]): ReturnType<SyncReads['replaced']> {
    this.asked += 1;
    return asks.map(({ room_id, place, type, state_key }) =>
      stateWithin(this.shown(room_id), -1, place - 1).find(
        (event) => event.type === type && event.state_key === state_key,
      ),
    );
  }

  async visibilities(rooms: readonly RoomId[]): Promise<ReadonlyMap<RoomId, readonly VisibilityFrom[]>> {
    this.asked += 1;
    return new Map(
      rooms.map((roomId) => [
        roomId,
        this.known(roomId)
          .filter(({ type, state_key }) => type === 'm.room.history_visibility' && state_key === '')
          .map(({ place, content }) => ({ place, visibility: String(content['history_visibility']) })),
      ]),
    );
  }

  async summaries(rooms: Parameters<SyncReads['summaries']>[0]): ReturnType<SyncReads['summaries']> {
    this.asked += 1;
    return new Map(
      rooms.map(({ room_id, place }) => {
        const changes = this.memberEvents(room_id).filter((event) => event.place <= place);
        const last = new Map<string | null, FakeEvent>();
        for (const event of changes) {
          const before = last.get(event.state_key);
          // Who changes a profile keeps the place in the order of members.
          if (before !== undefined && [before, event].every((one) => membershipOf(one) === 'join')) continue;
          last.set(event.state_key, event);
        }
        const those = (...memberships: readonly string[]) =>
          [...last.values()]
            .filter((event) => memberships.includes(membershipOf(event)))
            .toSorted((one, other) => one.place - other.place)
            .map(({ state_key }) => asUserId(state_key ?? ''));
        const [joined, invited] = [those('join').length, those('invite').length];
        const heroes = those('join', 'invite').slice(0, 6);
        const former = joined + invited > 1 ? [] : those('leave', 'ban').slice(0, 6);
        return [room_id, { joined, invited, heroes, former }];
      }),
    );
  }

  async receipts(
    ...[userId, asks, since, below]: Parameters<SyncReads['receipts']>
  ): ReturnType<SyncReads['receipts']> {
    this.asked += 1;
    const found = new Map<RoomId, Receipt[]>();
    for (const { room_id, all } of asks) {
      for (const { fact, offset, partition } of this.rows()) {
        if (fact.type !== 'receipt_set' || fact.value.room_id !== room_id) continue;
        const { user_id, receipt_type, event_id, ...value } = fact.value;
        if (receipt_type === 'm.fully_read' || (receipt_type !== 'm.read' && user_id !== userId)) continue;
        if (offset >= (below[partition] ?? 0) || (!all && offset < (since[partition] ?? 0))) continue;
        const ids = { user_id: asUserId(user_id), event_id: asEventId(event_id) };
        const receipt = { ...value, ...ids, receipt_type, offset, partition };
        found.set(room_id, [...(found.get(room_id) ?? []), receipt]);
      }
    }
    return found;
  }

  async accountData(userId: UserId, from: number, below: number): Promise<readonly AccountDatum[]> {
    this.asked += 1;
    return this.rows().flatMap(({ fact, offset }): AccountDatum[] => {
      if (fact.value.user_id !== userId || offset < from || offset >= below) return [];
      if (fact.type === 'push_rules_set') {
        const content = pushRulesContent(userId, parsePushRuleChanges(fact.value.sealed));
        return [{ room_id: null, type: 'm.push_rules', content, offset }];
      }
      const room_id = fact.value.room_id as RoomId | null; // The fake house takes room IDs only.
      if (fact.type === 'account_data_set') {
        return [{ room_id, type: fact.value.type, content: fact.value.sealed ?? '', offset }];
      }
      if (fact.value.receipt_type !== 'm.fully_read') return [];
      return [
        { room_id, type: 'm.fully_read', content: JSON.stringify({ event_id: fact.value.event_id }), offset },
      ];
    });
  }

  async relations(...[reader, asks]: Parameters<SyncReads['relations']>): ReturnType<SyncReads['relations']> {
    this.asked += 1;
    const found = new Map<EventId, EventRelations<SyncEvent>>();
    for (const { room_id, events, upTo } of asks) {
      const children = this.shown(room_id).filter(({ place }) => place <= upTo);
      for (const event of events) {
        const relations = relationsAmong(children, event, reader.user_id);
        if (relations !== undefined) found.set(event.event_id, relations);
      }
    }
    return found;
  }

  /** Nobody here is erased: that is tried over HTTP. */
  async withoutErased(events: readonly SyncEvent[]): Promise<readonly SyncEvent[]> {
    return events;
  }

  async threads(...[roomId, events]: Parameters<SyncReads['threads']>): ReturnType<SyncReads['threads']> {
    this.asked += 1;
    const known = this.known(roomId);
    return new Map(
      events.flatMap((eventId) => {
        const found = findThread(known, eventId);
        return found.thread === undefined
          ? []
          : [[eventId, { thread: asEventId(found.thread), hops: found.hops }] as const];
      }),
    );
  }

  /** Nobody here is present: that is tried over HTTP. */
  async sharing(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async joined(): Promise<readonly RoomId[]> {
    return [];
  }

  async shownProfiles(): ReturnType<SyncReads['shownProfiles']> {
    return new Map();
  }

  /** Nobody here ignores anybody: that is tried over HTTP. */
  async ignored(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  /** Nobody here blocks invitations: that is tried over HTTP. */
  async blocksInvites(): Promise<boolean> {
    return false;
  }

  async pushRules(userId: UserId): Promise<UserRules> {
    this.asked += 1;
    return lastRules(this.rows(), userId);
  }

  async unread(...[userId, rules, rooms]: Parameters<SyncReads['unread']>): ReturnType<SyncReads['unread']> {
    this.asked += 1;
    return new Map(
      rooms.map(({ room_id, place }) => {
        const all = this.known(room_id);
        const reads = readsOf(userId, room_id, all, this.rows());
        const threads = countUnread({ userId, rules, all, place, readOf: reads.thread });
        const { needsMemberCount } = planIn(rules, userId, room_id);
        const size = needsMemberCount ? { memberCount: membersAt(all, place) } : {};
        return [room_id, { read: reads.base, threads, ...size }];
      }),
    );
  }

  async mayMentionRoom(): Promise<boolean> {
    this.asked += 1;
    return true;
  }

  private filled(event: SyncEvent): SyncEvent {
    const { room_id, type, state_key, place } = event;
    const before = stateWithin(this.shown(room_id), -1, place - 1).find(
      (one) => state_key !== null && one.type === type && one.state_key === state_key,
    );
    return before === undefined
      ? event
      : {
          ...event,
          prev_content: before.content,
          replaces_state: before.event_id,
          replaces_place: before.place,
        };
  }

  private known(roomId: RoomId): readonly FakeEvent[] {
    const events = this.house.events.get(roomId) ?? [];
    return events.filter(({ offset, partition }) => offset < (this.models.rooms[partition] ?? 0));
  }

  private memberEvents(roomId: RoomId): readonly FakeEvent[] {
    return this.known(roomId).filter(({ type }) => type === 'm.room.member');
  }

  private shown(roomId: RoomId): readonly SyncEvent[] {
    return shownEvents(this.known(roomId));
  }

  /** The last value of each key that the models have. */
  private rows(): readonly FakeValue[] {
    const rows = new Map<string, FakeValue>();
    for (const value of this.house.values) {
      if (value.offset >= (this.models.user_values[value.partition] ?? 0)) continue;
      rows.delete(value.key);
      rows.set(value.key, value);
    }
    return [...rows.values()];
  }
}

function membershipOf({ content }: FakeEvent): string {
  return String(content['membership']);
}
