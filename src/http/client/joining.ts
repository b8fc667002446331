import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { parseRoomAlias, parseRoomId, type RoomId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { objectSchema, roomIdSchema } from '../schemas.ts';
import { changeMembership, memberProfile } from './send-event.ts';

const joinBody = Type.Object({
  reason: Type.Optional(Type.String()),
  third_party_signed: Type.Optional(objectSchema),
});

const roomIdAnswer = Type.Object({ room_id: Type.String() });

/** `POST join/{roomIdOrAlias}` and `POST rooms/{roomId}/join` (spec: client-server API, "Joining rooms"). */
export function joinRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/join/:roomIdOrAlias',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomIdOrAlias: Type.String() }),
    query: Type.Object({
      via: Type.Optional(Type.Array(Type.String())),
      server_name: Type.Optional(Type.Array(Type.String())),
    }),
    body: joinBody,
    numbers: 'integers',
    emptyBody: true,
    response: roomIdAnswer,
    handle: async ({ params, body, session }) =>
      join(context, session, await roomNamed(context, params.roomIdOrAlias), body.reason),
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
    handle: ({ params, body, session }) => join(context, session, params.roomId, body.reason),
  });
}

async function join(
  context: ClientContext,
  session: Session,
  roomId: RoomId,
  reason: string | undefined,
): Promise<{ room_id: string }> {
  const profile = await memberProfile(context, session.user_id);
  await changeMembership(context, {
    roomId,
    sender: session.user_id,
    target: session.user_id,
    content: { membership: 'join', ...profile, ...(reason === undefined ? {} : { reason }) },
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
