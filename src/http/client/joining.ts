import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { parseRoomAlias, parseRoomId, type RoomId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0, SINCE_V3 } from '../route.ts';
import { objectSchema, roomIdSchema } from '../schemas.ts';
import { voucherFor } from './restricted-join.ts';
import { changeMembership, memberProfile } from './send-event.ts';

const joinBody = Type.Object({
  reason: Type.Optional(Type.String()),
  third_party_signed: Type.Optional(objectSchema),
});

const namedRoom = Type.Object({ roomIdOrAlias: Type.String() });

/** Servers to go through: of rooms that this server is in itself it needs none. */
const servers = Type.Object({
  via: Type.Optional(Type.Array(Type.String())),
  server_name: Type.Optional(Type.Array(Type.String())),
});

const roomIdAnswer = Type.Object({ room_id: Type.String() });

/** `POST join/{roomIdOrAlias}` and `POST rooms/{roomId}/join` (spec: client-server API, "Joining rooms"). */
export function joinRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/join/:roomIdOrAlias',
    prefixes: SINCE_R0,
    auth: 'user',
    params: namedRoom,
    query: servers,
    body: joinBody,
    numbers: 'integers',
    emptyBody: true,
    response: roomIdAnswer,
    handle: async ({ params, body, session }) =>
      enter(context, session, await roomNamed(context, params.roomIdOrAlias), 'join', body.reason),
  });
  route(app, {
    method: 'POST',
    path: '/rooms/:roomId/join',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    body: joinBody,
    numbers: 'integers',
    emptyBody: true,
    response: roomIdAnswer,
    handle: ({ params, body, session }) => enter(context, session, params.roomId, 'join', body.reason),
  });
  knockRoute(app, context);
}

/** `POST knock` (spec: client-server API, "Knocking on rooms"). */
function knockRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/knock/:roomIdOrAlias',
    prefixes: SINCE_V3,
    auth: 'user',
    params: namedRoom,
    query: servers,
    body: Type.Object({ reason: Type.Optional(Type.String()) }),
    numbers: 'integers',
    emptyBody: true,
    response: roomIdAnswer,
    handle: async ({ params, body, session }) =>
      enter(context, session, await roomNamed(context, params.roomIdOrAlias), 'knock', body.reason),
  });
}

/** Asks to be let in, or walks in. */
async function enter(
  context: ClientContext,
  session: Session,
  roomId: RoomId,
  membership: 'join' | 'knock',
  reason: string | undefined,
): Promise<{ room_id: string }> {
  const profile = await memberProfile(context, session.user_id);
  const voucher = membership === 'join' ? await voucherFor(context, roomId, session.user_id) : undefined;
  const vouched = voucher === undefined ? {} : { join_authorised_via_users_server: voucher };
  await changeMembership(context, {
    roomId,
    sender: session.user_id,
    target: session.user_id,
    guest: session.kind === 'guest',
    content: { membership, ...profile, ...vouched, ...(reason === undefined ? {} : { reason }) },
  });
  return { room_id: roomId };
}

/** The room that an ID or an alias stands for. @throws MilenaError INVALID_PARAM, NOT_FOUND */
async function roomNamed(context: ClientContext, text: string): Promise<RoomId> {
  const roomId = parseRoomId(text);
  if (roomId !== undefined) return roomId;
  const alias = parseRoomAlias(text);
  if (alias === undefined) throw new MilenaError('INVALID_PARAM', 'This is neither a room ID nor an alias.');
  await context.freshness.resource(alias);
  const entry = await context.freshness.orLater('server', alias, () => context.reads.directory.alias(alias));
  if (entry === undefined) throw new MilenaError('NOT_FOUND', 'There is no such alias here.');
  return entry.room_id;
}
