import type { RoomId } from '../../matrix/identifiers.ts';
import type { JsonObject } from '../../matrix/json.ts';
import type { ClientContext } from '../context.ts';

/** The content of a state event of the room as it is now, or undefined. */
export async function stateContent(
  { reads }: Pick<ClientContext, 'reads'>,
  roomId: RoomId,
  type: string,
  stateKey = '',
): Promise<JsonObject | undefined> {
  const event = await reads.rooms.stateEvent(roomId, type, stateKey);
  return event === undefined ? undefined : (JSON.parse(event.content) as JsonObject); // Content is an object.
}
