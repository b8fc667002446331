import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { JsonText } from '../json-text.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireReader, statePrinter } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, objectSchema, roomIdSchema } from '../schemas.ts';
import { requireOwnAliases } from './canonical-alias.ts';
import { requireMember } from './inviting.ts';
import { executeSend } from './send-event.ts';

/** A state key that is left out of the path is the empty one. */
const PATHS = ['/rooms/:roomId/state/:eventType/:stateKey', '/rooms/:roomId/state/:eventType'] as const;

const stateParams = Type.Object({
  roomId: roomIdSchema,
  eventType: Type.String(),
  stateKey: Type.Optional(Type.String()),
});

/** State of a room (spec: client-server API, "Getting events for a room"). */
export function roomStateRoutes(app: App, context: ClientContext): void {
  for (const path of PATHS) stateEventRoutes(app, context, path);
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/state',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    response: Type.Array(clientEventSchema),
    handle: async ({ params: { roomId }, session }) => {
      const view = await requireReader(context, roomId, session.user_id);
      const state = await context.reads.rooms.state(roomId, view);
      const print = await statePrinter(context, roomId, session);
      return new JsonText(`[${state.map(print).join(',')}]`);
    },
  });
}

function stateEventRoutes(app: App, context: ClientContext, path: (typeof PATHS)[number]): void {
  route(app, {
    method: 'GET',
    path,
    prefixes: SINCE_R0,
    auth: 'user',
    params: stateParams,
    query: Type.Object({
      format: Type.Optional(Type.Union([Type.Literal('content'), Type.Literal('event')])),
    }),
    response: objectSchema,
    handle: async ({ params: { roomId, eventType, stateKey = '' }, query, session }) => {
      const { at } = await requireReader(context, roomId, session.user_id);
      // Another node may have acknowledged it a moment ago, the room itself being there already.
      const find = () => context.reads.rooms.stateEvent(roomId, eventType, stateKey, at);
      const event = await context.freshness.orLater('rooms', roomId, find);
      if (event === undefined) throw new MilenaError('NOT_FOUND', 'The room has no such state.');
      if (query.format !== 'event') return new JsonText(event.content);
      const print = await statePrinter(context, roomId, session);
      return new JsonText(print(event));
    },
  });
  route(app, {
    method: 'PUT',
    path,
    prefixes: SINCE_R0,
    auth: 'user',
    params: stateParams,
    body: objectSchema,
    numbers: 'integers',
    response: Type.Object({ event_id: Type.String() }),
    handle: async ({ params: { roomId, eventType, stateKey = '' }, body, bodyText, session }) => {
      if (eventType === 'm.room.member' && 'join_authorised_via_users_server' in body) {
        throw new MilenaError('FORBIDDEN', 'Who vouches for a join is for the server to say.');
      }
      if (eventType === 'm.room.member') await requireMember(context, stateKey, body);
      if (eventType === 'm.room.canonical_alias') await requireOwnAliases(context, roomId, body);
      return {
        event_id: await setState(context, session, { roomId, eventType, stateKey, content: bodyText }),
      };
    },
  });
}

interface NewState {
  readonly roomId: RoomId;
  readonly eventType: string;
  readonly stateKey: string;
  readonly content: string;
}

function setState(
  context: ClientContext,
  session: Session,
  { roomId, eventType, stateKey, content }: NewState,
) {
  return executeSend(context, {
    kind: 'send_event',
    id: freshCommandId(),
    at: context.now(),
    room_id: roomId,
    sender: session.user_id,
    type: eventType,
    state_key: stateKey,
    content,
    ...(session.kind === 'guest' ? { guest: true } : {}),
  });
}
