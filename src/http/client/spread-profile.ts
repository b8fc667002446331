import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import type { JsonValue } from '../../matrix/json.ts';

import { mapBounded } from '../bounded.ts';
import type { ClientContext } from '../context.ts';
import { withoutKeys } from '../without-keys.ts';
import { changeMembership } from './send-event.ts';
import { stateContent } from './state-content.ts';

/** Rooms told at once. */
const AT_ONCE = 8;

/** Said once, when they joined; a new name does not say it again. */
const OF_THE_JOIN = new Set(['reason', 'join_authorised_via_users_server', 'third_party_invite']);

/**
 * Tells the rooms a user is in of a new display name or avatar, by membership events (spec: client-server API,
 * "Events on change of profile information"). A room that refuses does not keep the others from knowing.
 */
export async function spreadProfile(
  context: ClientContext,
  userId: UserId,
  field: string,
  value: JsonValue | undefined,
): Promise<void> {
  await context.freshness.all();
  const rooms = await context.reads.rooms.rooms(userId, 'join');
  await mapBounded(rooms, AT_ONCE, (roomId) => tellRoom(context, userId, roomId, { field, value }));
}

async function tellRoom(
  context: ClientContext,
  userId: UserId,
  roomId: RoomId,
  { field, value }: { readonly field: string; readonly value: JsonValue | undefined },
): Promise<void> {
  try {
    const present = (await stateContent(context, roomId, 'm.room.member', userId)) ?? {};
    const kept = withoutKeys(present, OF_THE_JOIN.union(new Set([field])));
    const content = { ...kept, membership: 'join', ...(value === undefined ? {} : { [field]: value }) };
    const change = { roomId, sender: userId, target: userId, content, expect: ['join'] as const };
    await changeMembership(context, change);
  } catch (err) {
    context.logger.warn({ roomId, err }, 'a room was not told of a new profile');
  }
}
