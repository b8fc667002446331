import { Type } from 'typebox';
import type { RoomId } from '../../matrix/identifiers.ts';
import { type JsonObject, ownString } from '../../matrix/json.ts';
import type { App, ClientContext } from '../context.ts';
import { JsonText } from '../json-text.ts';
import { placeOfToken } from '../page-token.ts';
import type { StoredEvent } from '../reads/stored-event.ts';
import { requireJoined, requireReader, statePrinter } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, roomIdSchema } from '../schemas.ts';

const membership = Type.Optional(
  Type.Union(['join', 'invite', 'knock', 'leave', 'ban'].map((name) => Type.Literal(name))),
);

/** Members of rooms and rooms of members (spec: client-server API, "Rooms" and "Getting events for a room"). */
export function memberRoutes(app: App, context: ClientContext): void {
  membersRoute(app, context);
  joinedMembersRoute(app, context);
  joinedRoomsRoute(app, context);
}

function membersRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/members',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    query: Type.Object({ at: Type.Optional(Type.String()), membership, not_membership: membership }),
    response: Type.Object({ chunk: Type.Array(clientEventSchema) }),
    handle: async ({ params: { roomId }, query, session }) => {
      const view = await requireReader(context, roomId, session.user_id);
      const at = query.at === undefined ? view.at : await stateBefore(context, roomId, query.at, view.at);
      const options = { type: 'm.room.member', ...(at === undefined ? {} : { at }) };
      const members = await context.reads.rooms.state(roomId, options);
      const wanted = members.filter((event) => {
        const { membership, not_membership } = query;
        if (membership === undefined && not_membership === undefined) return true;
        const is = membershipOf(event);
        // Both together are an "or", as the spec has it.
        return is === membership || (not_membership !== undefined && is !== not_membership);
      });
      const print = await statePrinter(context, roomId, session);
      return new JsonText(`{"chunk":[${wanted.map(print).join(',')}]}`);
    },
  });
}

function joinedMembersRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/joined_members',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    response: Type.Object({
      joined: Type.Record(
        Type.String(),
        Type.Object({ display_name: Type.Optional(Type.String()), avatar_url: Type.Optional(Type.String()) }),
      ),
    }),
    handle: async ({ params: { roomId }, session }) => {
      await requireJoined(context, roomId, session.user_id);
      const members = await context.reads.rooms.state(roomId, { type: 'm.room.member' });
      return { joined: Object.fromEntries(members.flatMap(joinedMember)) };
    },
  });
}

function joinedRoomsRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/joined_rooms',
    prefixes: SINCE_R0,
    auth: 'user',
    response: Type.Object({ joined_rooms: Type.Array(Type.String()) }),
    handle: async ({ session }) => {
      await context.freshness.all();
      return { joined_rooms: [...(await context.reads.rooms.rooms(session.user_id, 'join'))] };
    },
  });
}

/** The place whose state a token stands for: that of the last event before it, within what may be seen. */
async function stateBefore(
  context: ClientContext,
  roomId: RoomId,
  token: string,
  limit: number | undefined,
): Promise<number> {
  const place = (await placeOfToken(context, roomId, token)) - 1;
  return limit === undefined ? place : Math.min(place, limit);
}

function contentOf(event: StoredEvent): JsonObject {
  return JSON.parse(event.content) as JsonObject; // The content of an event is an object.
}

function membershipOf(event: StoredEvent): string | undefined {
  return ownString(contentOf(event), 'membership');
}

function joinedMember(event: StoredEvent): [string, { display_name?: string; avatar_url?: string }][] {
  const content = contentOf(event);
  if (ownString(content, 'membership') !== 'join' || event.state_key === null) return [];
  const name = ownString(content, 'displayname');
  const avatar = ownString(content, 'avatar_url');
  const member = {
    ...(name === undefined ? {} : { display_name: name }),
    ...(avatar === undefined ? {} : { avatar_url: avatar }),
  };
  return [[event.state_key, member]];
}
