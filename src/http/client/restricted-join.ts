import { parseRoomId, parseUserId, type RoomId, type UserId } from '../../matrix/identifiers.ts';
import { isJsonObject, ownObject, ownString, ownValue } from '../../matrix/json.ts';
import type { ClientContext } from '../context.ts';
import { readLevels } from '../room-levels.ts';
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
  const conditions = Array.isArray(allow) ? allow.slice(0, MOST_CONDITIONS) : [];
  const isMet = await isInOne(context, conditions.flatMap(roomOf), userId);
  return isMet ? inviter(context, roomId) : undefined;
}

/** The room that a condition wants the user to be in; none where it wants something else. */
function roomOf(condition: unknown): readonly RoomId[] {
  if (!isJsonObject(condition) || ownString(condition, 'type') !== 'm.room_membership') return [];
  const roomId = parseRoomId(ownString(condition, 'room_id') ?? '');
  return roomId === undefined ? [] : [roomId];
}

async function isInOne(context: ClientContext, wanted: readonly RoomId[], userId: UserId): Promise<boolean> {
  const { freshness, reads } = context;
  if (wanted.length === 0) return false;
  await Promise.all(wanted.map((roomId) => freshness.room(roomId)));
  // One question, however many rooms are named.
  const find = async () => {
    const joined = new Set(await reads.rooms.rooms(userId, 'join'));
    return wanted.find((roomId) => joined.has(roomId));
  };
  return (await freshness.orLater('rooms', wanted, find)) !== undefined;
}

/** A member who may invite: one of those that the room names as powerful, else the first who came. */
async function inviter(context: ClientContext, roomId: RoomId): Promise<UserId | undefined> {
  const { rooms } = context.reads;
  const found = await readLevels(context, roomId);
  if (found?.creator === undefined) return undefined;
  const { levels, creator, content } = found;
  const users = Object.keys(ownObject(content ?? {}, 'users') ?? {});
  const named = [creator, ...users].flatMap((user) => {
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
