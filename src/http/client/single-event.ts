import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { eventText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import type { Session } from '../reads/account-reads.ts';
import type { StoredEvent } from '../reads/stored-event.ts';
import { requireReader } from '../room-access.ts';
import { route, SINCE_R0, SINCE_V1 } from '../route.ts';
import { clientEventSchema, eventIdSchema, roomIdSchema } from '../schemas.ts';

/** Single events by ID and by time (spec: client-server API, "Getting events for a room"). */
export function singleEventRoutes(app: App, context: ClientContext): void {
  eventRoute(app, context);
  eventAnywhereRoute(app, context);
  eventByTimeRoute(app, context);
}

function eventRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/event/:eventId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, eventId: eventIdSchema }),
    response: clientEventSchema,
    handle: async ({ params: { roomId, eventId }, session }) => {
      // The user's writes too: who is ignored does not count among an event's children.
      await Promise.all([context.freshness.room(roomId), context.freshness.user(session.user_id)]);
      const find = () => context.reads.timeline.event(roomId, eventId, session.user_id);
      return shown(context, session, await context.freshness.orLater('rooms', roomId, find));
    },
  });
}

/** The event's room is not said, so that a node which has not seen it yet cannot wait for its partition alone. */
function eventAnywhereRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/events/:eventId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ eventId: eventIdSchema }),
    response: clientEventSchema,
    handle: async ({ params: { eventId }, session }) => {
      await context.freshness.all();
      return shown(context, session, await context.reads.timeline.eventAnywhere(eventId, session.user_id));
    },
  });
}

function eventByTimeRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/timestamp_to_event',
    prefixes: SINCE_V1,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    query: Type.Object({ ts: Type.Integer(), dir: Type.Union([Type.Literal('f'), Type.Literal('b')]) }),
    response: Type.Object({ event_id: Type.String(), origin_server_ts: Type.Integer() }),
    handle: async ({ params: { roomId }, query: { ts, dir }, session }) => {
      await requireReader(context, roomId, session.user_id);
      const query = { roomId, viewer: session.user_id, ts, direction: dir };
      const event = await context.reads.timeline.closest(query);
      if (event === undefined) throw new MilenaError('NOT_FOUND', 'There is no event in that direction.');
      return { event_id: event.event_id, origin_server_ts: event.origin_server_ts };
    },
  });
}

/** @throws MilenaError NOT_FOUND: who may not see an event is not told that it exists. */
function shown({ now }: ClientContext, session: Session, event: StoredEvent | undefined): JsonText {
  if (event === undefined) throw new MilenaError('NOT_FOUND', 'There is no such event that you may see.');
  return new JsonText(eventText(event, session, now()));
}
