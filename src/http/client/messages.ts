import { type Static, Type } from 'typebox';
import { EventSelection } from '../../../projections/sync/sync-filter.ts';
import { MilenaError } from '../../errors/milena-error.ts';
import { slotOf } from '../../log/slot.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import { eventsText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import { placeOfToken, placeToken } from '../page-token.ts';
import type { Session } from '../reads/account-reads.ts';
import type { StoredEvent } from '../reads/stored-event.ts';
import type { Page } from '../reads/timeline-reads.ts';
import { requireReader, statePrinter } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, roomIdSchema } from '../schemas.ts';
import { eventFilterOf, readRoomEventFilter } from './event-filter.ts';

const DEFAULT_LIMIT = 10;
/** More than this in one page costs memory and helps nobody. */
const MAX_LIMIT = 1_000;

const messagesQuery = Type.Object({
  dir: Type.Union([Type.Literal('b'), Type.Literal('f')]),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  filter: Type.Optional(Type.String()),
});

/** `GET messages` (spec: client-server API, "Getting events for a room"). */
export function messageRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/messages',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    query: messagesQuery,
    response: Type.Object({
      chunk: Type.Array(clientEventSchema),
      start: Type.String(),
      end: Type.Optional(Type.String()),
      state: Type.Optional(Type.Array(clientEventSchema)),
    }),
    handle: ({ params: { roomId }, query, session }) => messages(context, session, roomId, query),
  });
}

async function messages(
  context: ClientContext,
  session: Session,
  roomId: RoomId,
  query: Static<typeof messagesQuery>,
): Promise<JsonText> {
  const view = await requireReader(context, roomId, session.user_id);
  await context.freshness.user(session.user_id);
  if (query.from !== undefined) await requireCaughtUp(context, roomId);
  const filter = readRoomEventFilter(query.filter);
  const position = (token: string | undefined) =>
    token === undefined ? undefined : placeOfToken(context, roomId, token);
  const [from, to] = await Promise.all([position(query.from), position(query.to)]);
  const isWanted = new EventSelection(filter).takesRoom(roomId);
  const found = await context.reads.timeline.page({
    roomId,
    viewer: session.user_id,
    direction: query.dir,
    filter: eventFilterOf(filter),
    limit: isWanted ? Math.min(query.limit ?? filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT) : 0,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  // Of a room that the filter leaves out there is nothing further either.
  const page: Page = isWanted ? found : { events: [], start: found.start };
  const now = context.now();
  const members =
    filter.lazy_load_members === true ? await sendersOf(context, roomId, page.events, view.at) : [];
  const state = members.length === 0 ? [] : members.map(await statePrinter(context, roomId, session));
  return new JsonText(
    `{"chunk":${eventsText(page.events, session, now)},"start":"${placeToken(page.start)}"` +
      (page.next === undefined ? '' : `,"end":"${placeToken(page.next)}"`) +
      (state.length === 0 ? '' : `,"state":[${state.join(',')}]`) +
      '}',
  );
}

/** How long a page waits for the models, milliseconds. */
const CAUGHT_UP_MS = 5_000;

/**
 * A token may come from a sync, which the log's tail answers ahead of the models: a page made before they have
 * caught up would silently lack what lies between.
 * @throws MilenaError UNAVAILABLE when they do not in time: the client asks again, and misses nothing.
 */
async function requireCaughtUp({ gate, slots }: ClientContext, roomId: RoomId): Promise<void> {
  if (await gate.caughtUp('rooms', slotOf(roomId, slots), CAUGHT_UP_MS)) return;
  throw new MilenaError('UNAVAILABLE', 'The timeline is being brought up to date; try again.');
}

/** The membership events of all who sent something in a page. @param at the place as of which; now without it. */
export async function sendersOf(
  { reads }: ClientContext,
  roomId: RoomId,
  events: readonly StoredEvent[],
  at: number | undefined,
): Promise<readonly StoredEvent[]> {
  const senders = [...new Set(events.map((event) => event.sender))];
  const members = await Promise.all(
    senders.map((sender) => reads.rooms.stateEvent(roomId, 'm.room.member', sender, at)),
  );
  return members.filter((member) => member !== undefined);
}
