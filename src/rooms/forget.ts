import { ownString } from '../matrix/json.ts';
import type { ForgetRoom } from '../owner/commands.ts';
import type { RoomAccepted, RoomRefusal } from './decide.ts';
import type { KnownEvents, Room } from './room.ts';

/**
 * Decides that a user forgets a room (spec: client-server API, `POST forget`): open to those who have left or were
 * banned, and to nobody else.
 */
export function decideForget(
  room: Room,
  known: KnownEvents,
  command: ForgetRoom,
): RoomAccepted | RoomRefusal {
  const { user_id } = command;
  const eventId = room.state.get('m.room.member', user_id);
  const event = eventId === undefined ? undefined : known.get(eventId);
  const membership = event === undefined ? undefined : ownString(event.content, 'membership');
  if (eventId === undefined || (membership !== 'leave' && membership !== 'ban')) {
    return { refused: 'NOT_LEFT', message: 'You can forget only a room that you have left.' };
  }
  const value = { user_id, membership_event: eventId };
  return { facts: [{ type: 'room_forgotten', value }], events: new Map(), event_id: undefined };
}
