import { parseRoomId, parseUserId, type RoomId, type UserId } from '../../matrix/identifiers.ts';
import { isJsonObject, ownObject, ownString, ownValue } from '../../matrix/json.ts';
import type { ClientContext } from '../context.ts';
import { standingOf } from '../room-access.ts';
import { levelsOf } from '../room-levels.ts';
import { stateContent } from './state-content.ts';

/** Rooms that are looked at for one join: a list of conditions may be as long as an event. */
const MOST_CONDITIONS = 50;

/**
 * Who vouches for a user that joins a restricted room without an invitation (spec: client-server API, "Restricted
 * rooms"; room version 8, "Authorisation rules"): a member with the power to invite, once the user is found in one
 * of the rooms that the join rules name. Undefined where nobody need vouch, or none of the conditions is met.
 */
export async function voucherFor(
  context: ClientContext,
  roomId: RoomId,
  userId: UserId,
): Promise<UserId | undefined> {
  await context.freshness.room(roomId);
  const rules = (await stateContent(context, roomId, 'm.room.join_rules')) ?? {};
  const rule = ownString(rules, 'join_rule');
  if (rule !== 'restricted' && rule !== 'knock_restricted') return undefined;
  const standing = await context.reads.rooms.standing(roomId, userId);
  if (standing?.membership === 'join' || standing?.membership === 'invite') return undefined;
  const allow = ownValue(rules, 'allow');
  for (const condition of Array.isArray(allow) ? allow.slice(0, MOST_CONDITIONS) : []) {
    if (await isMet(context, condition, userId)) return inviter(context, roomId);
  }
  return undefined;
}

async function isMet(context: ClientContext, condition: unknown, userId: UserId): Promise<boolean> {
  if (!isJsonObject(condition) || ownString(condition, 'type') !== 'm.room_membership') return false;
  const other = parseRoomId(ownString(condition, 'room_id') ?? '');
  return other !== undefined && (await standingOf(context, other, userId))?.membership === 'join';
}

/** A member who may invite: one of those that the room names as powerful, else the first who came. */
async function inviter(context: ClientContext, roomId: RoomId): Promise<UserId | undefined> {
  const { rooms } = context.reads;
  const [levels, create, content] = await Promise.all([
    levelsOf(context, roomId),
    rooms.stateEvent(roomId, 'm.room.create', ''),
    stateContent(context, roomId, 'm.room.power_levels'),
  ]);
  if (levels === undefined || create === undefined) return undefined;
  const named = [create.sender, ...Object.keys(ownObject(content ?? {}, 'users') ?? {})].flatMap((user) => {
    const id = parseUserId(user);
    return id !== undefined && levels.of(id) >= levels.invite ? [id] : [];
  });
  for (const user of named) {
    if ((await rooms.standing(roomId, user))?.membership === 'join') return user;
  }
  const members = await rooms.state(roomId, { type: 'm.room.member' });
  return members
    .filter((event) => ownString(JSON.parse(event.content), 'membership') === 'join')
    .flatMap(({ state_key }) => parseUserId(state_key ?? '') ?? [])
    .find((user) => levels.of(user) >= levels.invite);
}
