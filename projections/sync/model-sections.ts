import type { RoomId } from '../../src/matrix/identifiers.ts';
import { NO_PUSH_RULE_CHANGES, pushRulesContent } from '../../src/matrix/push-rule-changes.ts';
import {
  haveRulesChanged,
  isWhole,
  type ModelRound,
  roomData,
  type TimelinedRoom,
  typingOf,
} from './model-round.ts';
import type { CountedUnread } from './reading.ts';
import { shownReceipts } from './room-state.ts';
import { type JoinedRoom, type LeftRoom, summaryFor } from './sync-answer.ts';
import type { AccountDatum, Membership, Receipt, SyncEvent } from './sync-event.ts';
import type { Summary } from './sync-reads.ts';

/** What was looked up about all rooms of an answer. */
export interface Found {
  readonly data: readonly AccountDatum[];
  readonly receipts: ReadonlyMap<RoomId, readonly Receipt[]>;
  readonly states: ReadonlyMap<RoomId, readonly SyncEvent[]>;
  readonly summaries: ReadonlyMap<RoomId, Summary>;
  readonly unread: ReadonlyMap<RoomId, CountedUnread>;
  /** The user's own member events where only those are told. */
  readonly own: ReadonlyMap<RoomId, SyncEvent>;
}

/** A room under `join`. */
export function joinedRoom(round: ModelRound, room: TimelinedRoom, found: Found): JoinedRoom {
  const { request } = round;
  const { room_id, timeline, known, upTo, afterPlace } = room;
  const membersChanged = isWhole(round, room) || room.changed.some(({ type }) => type === 'm.room.member');
  const summary = membersChanged ? found.summaries.get(room_id) : undefined;
  const typing = typingOf(round, room);
  const shown = shownReceipts(found.receipts.get(room_id) ?? [], request);
  const receipts = request.filter.ephemeral.takes({ type: 'm.receipt', room_id }) ? shown : [];
  const counted = found.unread.get(room_id);
  const counts =
    isWhole(round, room) ||
    upTo > afterPlace ||
    shown.some(({ user_id }) => user_id === request.user_id) ||
    (haveRulesChanged(round, found.data) && counted !== undefined && counted.read < upTo);
  return {
    room_id,
    memberships: room.history,
    timeline,
    state: told(round, room_id, known, timeline.events, found),
    receipts,
    account_data: roomData(round, found.data, room),
    ...(summary === undefined ? {} : { summary: summaryFor(summary, request.user_id) }),
    ...(typing === undefined ? {} : { typing }),
    ...(counts && counted !== undefined ? { unread: counted.threads } : {}),
  };
}

/** A room under `leave`: up to when the user was there no more. */
export function leftRoom(round: ModelRound, room: TimelinedRoom, found: Found): LeftRoom {
  const { room_id, timeline, known } = room;
  const last = room.last === undefined ? undefined : found.own.get(room_id);
  const events = last === undefined ? timeline.events : [...timeline.events, last];
  return {
    room_id,
    memberships: room.history,
    timeline: { ...timeline, events },
    state: told(round, room_id, known, events, found),
    account_data: roomData(round, found.data, room),
  };
}

/** A room under `leave` in which the user has not been: a rejected invitation, a ban from outside. */
export function endedRoom({ request }: ModelRound, membership: Membership, { own }: Found): LeftRoom {
  const { room_id, place } = membership;
  const event = own.get(room_id);
  const events = event !== undefined && request.filter.timeline.takes(event) ? [event] : [];
  const timeline = { events, limited: false, prevPlace: place };
  return { room_id, memberships: [membership], timeline, state: [], account_data: [] };
}

/** Global account data. A first sync has push rules in it, the server's own if there are no others. */
export function globalData(
  { request, since }: ModelRound,
  data: readonly AccountDatum[],
): readonly AccountDatum[] {
  const from = since?.user_values[request.ownPartition] ?? 0;
  const global = data.filter(({ room_id, offset }) => room_id === null && offset >= from);
  if (since === undefined && !global.some(({ type }) => type === 'm.push_rules')) {
    const content = pushRulesContent(request.user_id, NO_PUSH_RULE_CHANGES);
    global.push({ room_id: null, type: 'm.push_rules', content, offset: 0 });
  }
  return global.filter((datum) => request.filter.accountData.takes(datum));
}

/** The state of a room; the device is noted to know the members in it. */
function told(
  { request }: ModelRound,
  roomId: RoomId,
  known: boolean,
  timeline: readonly SyncEvent[],
  { states }: Found,
): readonly SyncEvent[] {
  const state = states.get(roomId) ?? [];
  const { members } = request;
  if (!known) members?.forget(roomId);
  members?.sent(roomId, state);
  members?.sent(roomId, timeline);
  return state;
}
