import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { RoomPlace, SyncReads } from './sync-reads.ts';

/** How a user is called in rooms, at a place of each. Rooms where that is not said are missing. */
export async function readDisplayNames(
  reads: Pick<SyncReads, 'states'>,
  userId: UserId,
  rooms: readonly RoomPlace[],
): Promise<ReadonlyMap<RoomId, string>> {
  const names = new Map<RoomId, string>();
  if (rooms.length === 0) return names;
  const asks = rooms.map(({ room_id, place: at }) => ({ room_id, after: -1, at, members: [userId] }));
  for (const [roomId, [member]] of await reads.states(asks, [])) {
    const name: unknown = member && JSON.parse(member.content).displayname;
    if (typeof name === 'string') names.set(roomId, name);
  }
  return names;
}
