import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { eventsText, eventText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import { placeToken } from '../page-token.ts';
import type { PageQuery } from '../reads/timeline-reads.ts';
import { requireReader } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, eventIdSchema, roomIdSchema } from '../schemas.ts';
import { eventFilterOf, readRoomEventFilter } from './event-filter.ts';
import { sendersOf } from './messages.ts';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 200;

/** `GET context` (spec: client-server API, "Event Context"). */
export function contextRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/context/:eventId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, eventId: eventIdSchema }),
    query: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 0 })),
      filter: Type.Optional(Type.String()),
    }),
    response: Type.Object({
      event: clientEventSchema,
      events_before: Type.Array(clientEventSchema),
      events_after: Type.Array(clientEventSchema),
      start: Type.String(),
      end: Type.String(),
      state: Type.Array(clientEventSchema),
    }),
    handle: async ({ params: { roomId, eventId }, query, session }) => {
      const view = await requireReader(context, roomId, session.user_id);
      const event = await context.reads.timeline.event(roomId, eventId, session.user_id);
      if (event === undefined) throw new MilenaError('NOT_FOUND', 'There is no such event that you may see.');
      const filter = readRoomEventFilter(query.filter);
      const wanted = eventFilterOf(filter);
      const limit = Math.min(query.limit ?? filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
      const page = (direction: 'b' | 'f', from: number, count: number): PageQuery => {
        return { roomId, viewer: session.user_id, direction, from, limit: count, filter: wanted };
      };
      const [before, after] = await Promise.all([
        context.reads.timeline.page(page('b', event.place, Math.floor(limit / 2))),
        context.reads.timeline.page(page('f', event.place + 1, Math.ceil(limit / 2))),
      ]);
      const around = [...before.events, event, ...after.events];
      const lastPlace = after.events.at(-1)?.place ?? event.place;
      const at = view.at === undefined ? lastPlace : Math.min(lastPlace, view.at);
      const state =
        filter.lazy_load_members === true
          ? await sendersOf(context, roomId, around)
          : await context.reads.rooms.state(roomId, { at });
      const now = context.now();
      const firstPlace = before.events.at(-1)?.place ?? event.place;
      return new JsonText(
        `{"event":${eventText(event, session, now)},` +
          `"events_before":${eventsText(before.events, session, now)},` +
          `"events_after":${eventsText(after.events, session, now)},` +
          `"start":"${placeToken(firstPlace)}","end":"${placeToken(lastPlace + 1)}",` +
          `"state":${eventsText(state, session, now)}}`,
      );
    },
  });
}
