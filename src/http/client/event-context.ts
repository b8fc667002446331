import { type Static, Type } from 'typebox';
import { EventSelection } from '../../../projections/sync/sync-filter.ts';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { eventsText, eventText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import { placeToken } from '../page-token.ts';
import type { Session } from '../reads/account-reads.ts';
import type { StoredEvent } from '../reads/stored-event.ts';
import { statePrinter } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, eventIdSchema, roomIdSchema } from '../schemas.ts';
import { eventFilterOf, readRoomEventFilter } from './event-filter.ts';
import { sendersOf } from './messages.ts';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 200;

const contextQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  filter: Type.Optional(Type.String()),
});

/** `GET context` (spec: client-server API, "Event Context"). */
export function contextRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/context/:eventId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, eventId: eventIdSchema }),
    query: contextQuery,
    response: Type.Object({
      event: clientEventSchema,
      events_before: Type.Array(clientEventSchema),
      events_after: Type.Array(clientEventSchema),
      start: Type.String(),
      end: Type.String(),
      state: Type.Array(clientEventSchema),
    }),
    handle: async ({ params: { roomId, eventId }, query, session }) => {
      // The user's writes too: who is ignored does not count among an event's children.
      await Promise.all([context.freshness.room(roomId), context.freshness.user(session.user_id)]);
      const find = () => context.reads.timeline.event(roomId, eventId, session.user_id);
      const event = await context.freshness.orLater('rooms', roomId, find);
      if (event === undefined) throw new MilenaError('NOT_FOUND', 'There is no such event that you may see.');
      return around(context, session, event, query);
    },
  });
}

/** The event with what stands before and behind it, and the state at the last of these. */
async function around(
  context: ClientContext,
  session: Session,
  event: StoredEvent,
  query: Static<typeof contextQuery>,
): Promise<JsonText> {
  const { timeline } = context.reads;
  const roomId = event.room_id;
  const filter = readRoomEventFilter(query.filter);
  const selection = new EventSelection(filter);
  const isWanted = selection.takesRoom(roomId);
  const limit = isWanted ? Math.min(query.limit ?? filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT) : 0;
  const common = { roomId, viewer: session.user_id, filter: eventFilterOf(filter) };
  const [before, after] = await Promise.all([
    timeline.page({ ...common, direction: 'b', from: event.place, limit: Math.floor(limit / 2) }),
    timeline.page({ ...common, direction: 'f', from: event.place + 1, limit: Math.ceil(limit / 2) }),
  ]);
  const first = before.events.at(-1)?.place ?? event.place;
  const last = after.events.at(-1)?.place ?? event.place;
  const shown = [...before.events, event, ...after.events];
  // The state at an event that may be seen may be seen as well.
  const state =
    filter.lazy_load_members === true
      ? await Promise.all([
          context.reads.rooms.state(roomId, { at: last, members: false }),
          sendersOf(context, roomId, shown, last),
        ])
      : [await context.reads.rooms.state(roomId, { at: last })];
  const wantedState = state.flat().filter((entry) => selection.takes(entry));
  const printState = await statePrinter(context, roomId, session);
  const now = context.now();
  return new JsonText(
    `{"event":${eventText(event, session, now)},` +
      `"events_before":${eventsText(before.events, session, now)},` +
      `"events_after":${eventsText(after.events, session, now)},` +
      `"start":"${placeToken(first)}","end":"${placeToken(last + 1)}",` +
      `"state":[${wantedState.map(printState).join(',')}]}`,
  );
}
