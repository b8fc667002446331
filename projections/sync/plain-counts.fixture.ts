import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { Counted } from '../../src/matrix/notifying.ts';
import type { PowerLevels } from '../../src/matrix/power-levels.ts';
import { parsePushRuleChanges } from '../../src/matrix/push-rule-changes.ts';
import { defaultPushRules } from '../../src/matrix/push-rule-defaults.ts';
import { evaluate } from '../../src/matrix/push-rules.ts';
import { MAIN_THREAD, relationOf } from '../../src/matrix/relations.ts';
import type { FakeEvent, FakeValue } from './fake-house.fixture.ts';
import type { CountedThread } from './reading.ts';
import { DEFAULT_RULES, type UserRules, userRules } from './user-rules.ts';

/** What is to be counted. */
export interface PlainCount {
  readonly userId: UserId;
  readonly rules: UserRules;
  /** Every event of the room that is known. */
  readonly all: readonly FakeEvent[];
  /** Up to where. */
  readonly place: number;
  /** How far the user has read a thread. */
  readonly readOf: (thread: string) => number;
}

/** In a fake house everybody may mention the room, once it is there. */
function levelsAt(all: readonly FakeEvent[], place: number): PowerLevels {
  const isThere = all.some((one) => one.place < place);
  return {
    of: () => (isThere ? 50 : 0),
    required: () => 0,
    notification: () => 50,
    invite: 0,
    kick: 50,
    ban: 50,
    redact: 50,
  };
}

/**
 * What is unread, by thread, as slowly as the spec says: every event is put to the user's rules, but for those that
 * were redacted.
 */
export function countUnread(asked: PlainCount): Map<string, CountedThread> {
  const { userId, all, place, readOf } = asked;
  const counts = new Map<string, { read: number; notification_count: number; highlight_count: number }>();
  for (const event of all) {
    if (event.place > place || event.sender === userId) continue;
    // An invitation is nothing unread.
    if (event.type === 'm.room.member' && event.state_key === userId) continue;
    const thread = findThread(all, event.event_id).thread ?? MAIN_THREAD;
    const read = readOf(thread);
    if (event.place <= read) continue;
    const { notify, highlight } = outcomeOf(asked, event);
    const count = counts.get(thread) ?? { read, notification_count: 0, highlight_count: 0 };
    if (notify) counts.set(thread, count);
    count.notification_count += Number(notify);
    count.highlight_count += Number(highlight);
  }
  return counts;
}

function outcomeOf({ userId, rules, all }: PlainCount, event: FakeEvent): Counted {
  if (all.some(({ redacts }) => redacts === event.event_id)) return { notify: false, highlight: false };
  return evaluate(rules.rules ?? defaultPushRules(userId), seen(event), {
    userId,
    displayName: nameAt(all, userId, event.place),
    memberCount: membersAt(all, event.place),
    levels: levelsAt(all, event.place),
  });
}

/** The thread of an event and how many relations away from it: as the spec tells to look for it. */
export function findThread(
  all: readonly FakeEvent[],
  eventId: string,
): { readonly thread?: string; readonly hops: number } {
  let event = all.find(({ event_id }) => event_id === eventId);
  for (let hops = 0; hops <= 3; hops += 1) {
    const relation = event && relationOf(event.content);
    if (event === undefined || relation === undefined) break;
    if (relation.rel_type === 'm.thread') return { thread: relation.event_id, hops };
    const { place } = event;
    event = all.find((one) => one.event_id === relation.event_id && one.place < place);
  }
  return { hops: 0 };
}

/** How far a user has read each thread of a room, and all of them. */
export function readsOf(
  userId: UserId,
  roomId: RoomId,
  events: readonly FakeEvent[],
  values: readonly FakeValue[],
): { readonly base: number; readonly thread: (name: string) => number } {
  const receipts = values.flatMap(({ fact }) => {
    if (fact.type !== 'receipt_set' || fact.value.receipt_type === 'm.fully_read') return [];
    return fact.value.user_id === userId && fact.value.room_id === roomId ? [fact.value] : [];
  });
  const furthest = (threadId: string | null) =>
    receipts.filter(({ thread_id }) => thread_id === threadId).map((one) => one.furthest_place);
  const base = Math.max(0, joinPlace(userId, events), ...furthest(null));
  const sent = events.filter(({ sender }) => sender === userId);
  return {
    base,
    thread: (name) => {
      const own = sent.findLast(
        ({ event_id }) => (findThread(events, event_id).thread ?? MAIN_THREAD) === name,
      );
      return Math.max(base, own?.place ?? 0, ...furthest(name));
    },
  };
}

/** Where a user last came into a room; 0 for who never did. */
function joinPlace(userId: UserId, events: readonly FakeEvent[]): number {
  const own = events.filter(({ type, state_key }) => type === 'm.room.member' && state_key === userId);
  const is = (event: FakeEvent | undefined) => event?.content['membership'] === 'join';
  return own.findLast((event, index) => is(event) && !is(own[index - 1]))?.place ?? 0;
}

/** The last push rules of a user among values. */
export function lastRules(values: readonly FakeValue[], userId: UserId): UserRules {
  for (const { fact, offset } of values.toReversed()) {
    if (fact.type !== 'push_rules_set' || fact.value.user_id !== userId) continue;
    return userRules(userId, parsePushRuleChanges(fact.value.sealed), offset);
  }
  return DEFAULT_RULES;
}

/** How many are in a room once the event at a place has happened. */
export function membersAt(all: readonly FakeEvent[], place: number): number {
  const members = new Map<string | null, unknown>();
  for (const event of all) {
    if (event.place <= place && event.type === 'm.room.member') {
      members.set(event.state_key, event.content['membership']);
    }
  }
  return [...members.values()].filter((membership) => membership === 'join').length;
}

function nameAt(all: readonly FakeEvent[], userId: UserId, place: number): string | undefined {
  const member = all.findLast(
    (one) => one.state_key === userId && one.type === 'm.room.member' && one.place <= place,
  );
  return typeof member?.content['displayname'] === 'string' ? member.content['displayname'] : undefined;
}

function seen({ type, sender, room_id, event_id, content, state_key }: FakeEvent) {
  const event = { type, sender, room_id: room_id satisfies RoomId, event_id, content };
  return state_key === null ? event : { ...event, state_key };
}
