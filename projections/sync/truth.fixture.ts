import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { JsonObject } from '../../src/matrix/json.ts';
import { parsePushRuleChanges, pushRulesContent } from '../../src/matrix/push-rule-changes.ts';
import type { FakeEvent, FakeHouse, FakeValue } from './fake-house.fixture.ts';
import { countUnread, lastRules, readsOf } from './plain-counts.fixture.ts';
import type { ThreadsUnread } from './reading.ts';
import type { SyncPosition } from './token.ts';

/** What is true of a fake house at a position: read off the whole log, event by event, as slowly as the spec says. */
export class Truth {
  readonly house: FakeHouse;
  readonly position: SyncPosition;
  readonly #events = new Map<RoomId, readonly FakeEvent[]>();

  constructor(house: FakeHouse, position: SyncPosition) {
    this.house = house;
    this.position = position;
  }

  /** The events of a room before the position. */
  events(roomId: RoomId): readonly FakeEvent[] {
    const known = this.#events.get(roomId);
    if (known !== undefined) return known;
    const events = (this.house.events.get(roomId) ?? []).filter(
      ({ offset, partition }) => offset < (this.position.rooms[partition] ?? 0),
    );
    this.#events.set(roomId, events);
    return events;
  }

  /** What is left of an event's content. */
  contentOf({ room_id, event_id, content }: FakeEvent): JsonObject {
    const isRedacted = this.events(room_id).some(({ redacts }) => redacts === event_id);
    // This history redacts nothing of which anything is left.
    return isRedacted ? {} : content;
  }

  /** A user's member events in a room. */
  ownEvents(roomId: RoomId, userId: UserId): readonly FakeEvent[] {
    return this.events(roomId).filter(
      ({ type, state_key }) => type === 'm.room.member' && state_key === userId,
    );
  }

  /** A user's membership. */
  membership(roomId: RoomId, userId: UserId): string {
    return membershipOf(this.ownEvents(roomId, userId).at(-1));
  }

  /** The state: type and key to event ID. */
  state(roomId: RoomId): ReadonlyMap<string, string> {
    return stateOf(this.events(roomId));
  }

  /** Whether a user may see an event (spec: "Room History Visibility"). */
  mayRead(roomId: RoomId, userId: UserId, event: FakeEvent): boolean {
    const events = this.events(roomId);
    const own = events.filter(({ type, state_key }) => type === 'm.room.member' && state_key === userId);
    const joinsLater = own.some((one) => one.place > event.place && membershipOf(one) === 'join');
    const sides = [
      events.filter(({ place }) => place < event.place),
      events.filter(({ place }) => place <= event.place),
    ];
    const settings = sides.map((side) => {
      const set = side.findLast(({ type }) => type === 'm.room.history_visibility');
      return String(set?.content['history_visibility'] ?? 'shared');
    });
    const memberships = sides.map((side) => membershipOf(side.findLast((one) => own.includes(one))));
    return settings.some((setting) =>
      memberships.some((membership) => {
        if (setting === 'world_readable' || membership === 'join') return true;
        if (setting === 'shared') return joinsLater;
        return setting === 'invited' && membership === 'invite';
      }),
    );
  }

  /**
   * What is unread for a user in a room.
   * @param ahead how far the user has read, and what was redacted, is told as of here.
   */
  unread(roomId: RoomId, userId: UserId, ahead: Truth = this): object {
    const reads = readsOf(userId, roomId, ahead.events(roomId), ahead.values());
    const rules = lastRules(ahead.values(), userId);
    const place = this.events(roomId).at(-1)?.place ?? 0;
    const all = ahead.events(roomId);
    return plainUnread(countUnread({ userId, rules, all, place, readOf: reads.thread }));
  }

  private values(): readonly FakeValue[] {
    return this.house.values.filter(
      ({ offset, partition }) => offset < (this.position.user_values[partition] ?? 0),
    );
  }

  /** The receipts of a room that a user may see: who, what and where it is. */
  receipts(roomId: RoomId, userId: UserId): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const { fact, offset, partition } of this.house.values) {
      if (fact.type !== 'receipt_set' || offset >= (this.position.user_values[partition] ?? 0)) continue;
      const { user_id, room_id, receipt_type, thread_id, event_id } = fact.value;
      if (room_id !== roomId || receipt_type === 'm.fully_read') continue;
      if (receipt_type !== 'm.read' && user_id !== userId) continue;
      found.set(`${user_id} ${receipt_type} ${thread_id}`, event_id);
    }
    return found;
  }

  /** A user's account data, global or of a room. */
  accountData(roomId: RoomId | null, userId: UserId): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const { fact, offset, partition } of this.house.values) {
      if (fact.value.user_id !== userId || offset >= (this.position.user_values[partition] ?? 0)) continue;
      if (fact.type === 'push_rules_set') {
        const content = pushRulesContent(userId, parsePushRuleChanges(fact.value.sealed));
        if (roomId === null) found.set('m.push_rules', content);
        continue;
      }
      if (fact.value.room_id !== roomId) continue;
      if (fact.type === 'account_data_set') found.set(fact.value.type, fact.value.sealed ?? '');
      else if (fact.value.receipt_type === 'm.fully_read') {
        found.set('m.fully_read', JSON.stringify({ event_id: fact.value.event_id }));
      }
    }
    return found;
  }

  /** How many have a membership in a room. */
  count(roomId: RoomId, membership: string): number {
    const members = this.events(roomId).filter(({ type }) => type === 'm.room.member');
    const last = new Map(members.map((event) => [event.state_key, membershipOf(event)]));
    return [...last.values()].filter((one) => one === membership).length;
  }
}

/** Counts by thread as an object: threads by name, without those in which nothing is. */
export function plainUnread(threads: ThreadsUnread): object {
  const counts = [...threads].flatMap(([thread, { notification_count, highlight_count }]) =>
    notification_count === 0 ? [] : [[thread, { notification_count, highlight_count }] as const],
  );
  return Object.fromEntries(counts.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** `membership` of a member event; `leave` for none. */
export function membershipOf(event: FakeEvent | undefined): string {
  return String(event?.content['membership'] ?? 'leave');
}

function stateOf(events: readonly FakeEvent[]): ReadonlyMap<string, string> {
  const state = new Map<string, string>();
  for (const { type, state_key, event_id } of events) {
    if (state_key !== null) state.set(`${type} ${state_key}`, event_id);
  }
  return state;
}
