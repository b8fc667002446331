import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { parseRoomId, type RoomId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import { route, SINCE_V1 } from '../route.ts';
import { userIdSchema } from '../schemas.ts';

/** Rooms of one answer. */
const PAGE = 500;

/** `GET mutual_rooms` (spec: client-server API, "Mutual Rooms"). */
export function mutualRoomRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/mutual_rooms',
    prefixes: SINCE_V1,
    auth: 'user',
    query: Type.Object({ user_id: userIdSchema, from: Type.Optional(Type.String()) }),
    response: Type.Object({
      joined: Type.Array(Type.String()),
      count: Type.Integer(),
      next_batch: Type.Optional(Type.String()),
    }),
    handle: async ({ query: { user_id, from }, session }) => {
      if (user_id === session.user_id) {
        throw new MilenaError('INVALID_PARAM', 'user_id: is your own');
      }
      await context.freshness.all();
      const [own, theirs] = await Promise.all(
        [session.user_id, user_id].map((user) => context.reads.rooms.rooms(user, 'join')),
      );
      const shared = new Set(own).intersection(new Set(theirs));
      return mutualPage([...shared], from, PAGE);
    },
  });
}

/**
 * A page of the rooms, in the order of their IDs. Its token names the last of it, so it does not expire; who joins or
 * leaves meanwhile shifts no other room.
 * @throws MilenaError INVALID_PARAM for what is no such token.
 */
export function mutualPage(rooms: readonly RoomId[], from: string | undefined, limit: number) {
  const last = from === undefined ? undefined : roomOf(from);
  const sorted = rooms.toSorted();
  const left = last === undefined ? sorted : sorted.filter((roomId) => roomId > last);
  const joined = left.slice(0, limit);
  const end = left.length > limit ? joined.at(-1) : undefined;
  return {
    joined,
    count: rooms.length,
    ...(end === undefined ? {} : { next_batch: Buffer.from(end).toString('base64url') }),
  };
}

function roomOf(token: string): RoomId {
  const roomId = /^[\w-]+$/.test(token) ? parseRoomId(Buffer.from(token, 'base64url').toString()) : undefined;
  if (roomId === undefined) throw new MilenaError('INVALID_PARAM', 'from: is not a token of this server');
  return roomId;
}
