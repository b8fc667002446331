import { Type } from 'typebox';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import { eventsText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import { placeOfToken, placeToken } from '../page-token.ts';
import type { StoredEvent } from '../reads/stored-event.ts';
import type { EventFilter, PageQuery } from '../reads/timeline-reads.ts';
import { requireReader } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, roomIdSchema } from '../schemas.ts';
import { eventFilterOf, readRoomEventFilter } from './event-filter.ts';

const DEFAULT_LIMIT = 10;
/** More than this in one page costs memory and helps nobody. */
const MAX_LIMIT = 1_000;

/** `GET messages` (spec: client-server API, "Getting events for a room"). */
export function messageRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/messages',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    query: Type.Object({
      dir: Type.Union([Type.Literal('b'), Type.Literal('f')]),
      from: Type.Optional(Type.String()),
      to: Type.Optional(Type.String()),
      limit: Type.Optional(Type.Integer({ minimum: 0 })),
      filter: Type.Optional(Type.String()),
    }),
    response: Type.Object({
      chunk: Type.Array(clientEventSchema),
      start: Type.String(),
      end: Type.Optional(Type.String()),
      state: Type.Optional(Type.Array(clientEventSchema)),
    }),
    handle: async ({ params: { roomId }, query, session }) => {
      await requireReader(context, roomId, session.user_id);
      const filter = readRoomEventFilter(query.filter);
      const position = (token: string | undefined) =>
        token === undefined ? undefined : placeOfToken(context, roomId, token);
      const [from, to] = await Promise.all([position(query.from), position(query.to)]);
      const asked = pageQuery(roomId, session.user_id, query.dir, eventFilterOf(filter));
      const limit = Math.min(query.limit ?? filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
      const page = await context.reads.timeline.page({
        ...asked,
        limit,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      });
      const now = context.now();
      const members = filter.lazy_load_members === true ? await sendersOf(context, roomId, page.events) : [];
      return new JsonText(
        `{"chunk":${eventsText(page.events, session, now)},"start":"${placeToken(page.start)}"` +
          (page.next === undefined ? '' : `,"end":"${placeToken(page.next)}"`) +
          (members.length === 0 ? '' : `,"state":${eventsText(members, session, now)}`) +
          '}',
      );
    },
  });
}

function pageQuery(
  roomId: RoomId,
  viewer: UserId,
  direction: 'b' | 'f',
  filter: EventFilter,
): Omit<PageQuery, 'limit'> {
  return { roomId, viewer, direction, ...(Object.keys(filter).length === 0 ? {} : { filter }) };
}

/** The membership events of all who sent something in a page. */
export async function sendersOf(
  { reads }: ClientContext,
  roomId: RoomId,
  events: readonly StoredEvent[],
): Promise<readonly StoredEvent[]> {
  const senders = [...new Set(events.map((event) => event.sender))];
  const members = await Promise.all(
    senders.map((sender) => reads.rooms.stateEvent(roomId, 'm.room.member', sender)),
  );
  return members.filter((member) => member !== undefined);
}
