import {
  type JoinedRoom,
  type LeftRoom,
  membershipAt,
  type StrippedRoom,
  type SyncAnswer,
} from '../../../../projections/sync/sync-answer.ts';
import type { SyncEvent } from '../../../../projections/sync/sync-event.ts';
import { eventText } from '../../event-text.ts';
import type { Session } from '../../reads/account-reads.ts';
import { bareText, ephemeral, presenceText, viewerOf } from './answer-text.ts';

/**
 * The answer of a sync as the stream of events that came before sync tells it: one list, room by room and in each in
 * the room's order, each element as JSON text. Of a room it tells what happens while the user is in it, and the
 * user's own memberships; what a sync adds so that a client knows a new room is not in it.
 * @param now milliseconds since the epoch.
 */
export function streamTexts(answer: SyncAnswer, session: Session, now: number): readonly string[] {
  const { user_id } = session;
  const rooms = [...answer.leave, ...answer.join].flatMap((room) => roomTexts(room, session, now));
  const stripped = [...answer.invite, ...answer.knock].flatMap((room) => ownMember(room, user_id));
  return [
    ...answer.presence.map((one) => presenceText(one, now)),
    ...answer.account_data.map((datum) => bareText(datum)),
    ...stripped.map((event) => eventText(event, session, now)),
    ...rooms,
  ];
}

/** The user's own member event among the state of an invitation or a knock. */
export function ownMember({ events }: StrippedRoom, userId: string): readonly SyncEvent[] {
  return events.filter(({ type, state_key }) => type === 'm.room.member' && state_key === userId);
}

/** Events of a room with their room ID, and the user's membership at each. */
export function printed(
  room: JoinedRoom | LeftRoom,
  events: readonly SyncEvent[],
  session: Session,
  now: number,
): readonly string[] {
  const viewer = viewerOf(room, session);
  return events.map((event) => eventText(event, viewer, now));
}

function roomTexts(room: JoinedRoom | LeftRoom, session: Session, now: number): readonly string[] {
  const { memberships, room_id } = room;
  const isIn = ({ place, type, state_key }: SyncEvent) =>
    membershipAt(memberships, place) === 'join' ||
    (type === 'm.room.member' && state_key === session.user_id);
  const around = 'receipts' in room ? ephemeral(room) : [];
  return [
    ...printed(room, room.timeline.events.filter(isIn), session, now),
    ...[...room.account_data, ...around].map((one) => bareText(one, room_id)),
  ];
}
