import { Type } from 'typebox';
import type { JoinedRoom, LeftRoom, StrippedRoom } from '../../../projections/sync/sync-answer.ts';
import { readyFilter } from '../../../projections/sync/sync-filter.ts';
import { listingKey } from '../../log/resource-keys.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import { eventText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import { placeToken } from '../page-token.ts';
import { presenceSchema } from '../presence-content.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireReader, standingOf, statePrinter } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, objectSchema, roomIdSchema } from '../schemas.ts';
import { bareText, presenceText } from './sync/answer-text.ts';
import { ownMember, printed } from './sync/stream-text.ts';

const DEFAULT_LIMIT = 10;
/** As for pages: more costs memory and helps nobody. */
const MAX_LIMIT = 1_000;

const limitSchema = Type.Optional(Type.Integer({ minimum: 0 }));
const bareSchema = Type.Object({ type: Type.String(), content: objectSchema });
const membershipSchema = Type.Union([
  Type.Literal('invite'),
  Type.Literal('join'),
  Type.Literal('leave'),
  Type.Literal('ban'),
]);
const aboutRoom = {
  room_id: Type.String(),
  messages: Type.Optional(
    Type.Object({
      start: Type.Optional(Type.String()),
      end: Type.String(),
      chunk: Type.Array(clientEventSchema),
    }),
  ),
  state: Type.Optional(Type.Array(clientEventSchema)),
  visibility: Type.Union([Type.Literal('public'), Type.Literal('private')]),
  account_data: Type.Optional(Type.Array(bareSchema)),
};

/**
 * `GET initialSync` (spec: client-server API, deprecated) and `GET rooms/{roomId}/initialSync` ("Room Previews").
 * Their tokens are those of syncs, and `GET events` goes on from them.
 */
export function initialSyncRoutes(app: App, context: ClientContext): void {
  if (context.sync === undefined) return;
  const parts = { context, sync: context.sync };
  route(app, {
    method: 'GET',
    path: '/initialSync',
    prefixes: SINCE_R0,
    auth: 'user',
    query: Type.Object({
      limit: limitSchema,
      archived: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
    }),
    response: Type.Object({
      end: Type.String(),
      presence: Type.Array(
        Type.Object({ type: Type.Literal('m.presence'), sender: Type.String(), content: presenceSchema }),
      ),
      account_data: Type.Array(bareSchema),
      rooms: Type.Array(
        Type.Object({
          ...aboutRoom,
          membership: membershipSchema,
          invite: Type.Optional(clientEventSchema),
        }),
      ),
    }),
    handle: ({ query, session }) =>
      everything(parts, session, limitOf(query.limit), query.archived === 'true'),
  });
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/initialSync',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    query: Type.Object({ limit: limitSchema }),
    response: Type.Object({ ...aboutRoom, membership: Type.Optional(membershipSchema) }),
    handle: ({ params: { roomId }, query, session }) => oneRoom(parts, session, roomId, limitOf(query.limit)),
  });
}

interface Parts {
  readonly context: ClientContext;
  readonly sync: NonNullable<ClientContext['sync']>;
}

function limitOf(asked: number | undefined): number {
  return Math.min(asked ?? DEFAULT_LIMIT, MAX_LIMIT);
}

/** Every room of the user's. Knocks are not among the memberships that the spec has here. */
async function everything(
  { context, sync }: Parts,
  session: Session,
  limit: number,
  archived: boolean,
): Promise<JsonText> {
  const { user_id, device_id } = session;
  await context.freshness.all();
  const found = await sync.collect({
    user_id,
    device_id,
    timeoutMs: 0,
    fullState: true,
    stateAfter: true,
    filter: readyFilter({ room: { include_leave: archived, timeline: { limit } } }),
    signal: context.draining,
    written: context.freshness.written,
  });
  const all = [...found.join, ...found.invite, ...found.leave].map(({ room_id }) => room_id);
  const listed = new Set(await context.reads.directory.listedAmong(all));
  const now = context.now();
  const begin = ({ room_id }: { readonly room_id: RoomId }, membership: string) =>
    `{"room_id":${JSON.stringify(room_id)},"membership":${JSON.stringify(membership)},` +
    `"visibility":"${listed.has(room_id) ? 'public' : 'private'}"`;
  const whole = (room: JoinedRoom | LeftRoom) =>
    `${begin(room, room.memberships.at(-1)?.membership ?? 'leave')},` +
    `"messages":${chunkText(printed(room, room.timeline.events, session, now), room.timeline.prevPlace, found.next_batch)},` +
    `"state":[${printed(room, room.state, session, now).join(',')}],` +
    `"account_data":[${room.account_data.map((datum) => bareText(datum)).join(',')}]}`;
  const invited = (room: StrippedRoom) => {
    const [event] = ownMember(room, user_id);
    return `${begin(room, 'invite')}${event === undefined ? '' : `,"invite":${eventText(event, session, now)}`}}`;
  };
  const rooms = [...found.join.map(whole), ...found.invite.map(invited), ...found.leave.map(whole)];
  return new JsonText(
    `{"end":${JSON.stringify(found.next_batch)},` +
      `"presence":[${found.presence.map((one) => presenceText(one, now)).join(',')}],` +
      `"account_data":[${found.account_data.map((datum) => bareText(datum)).join(',')}],` +
      `"rooms":[${rooms.join(',')}]}`,
  );
}

/** One room, as whoever may read in it sees it: as it is now, or as it was when the user left. */
async function oneRoom(
  { context, sync }: Parts,
  session: Session,
  roomId: RoomId,
  limit: number,
): Promise<JsonText> {
  const { freshness, reads } = context;
  const { user_id } = session;
  const view = await requireReader(context, roomId, user_id);
  await Promise.all([freshness.user(user_id), freshness.resource(listingKey(roomId))]);
  const moment = await sync.room(roomId, user_id, freshness.written);
  const last = Math.min(view.at ?? moment.place - 1, moment.place - 1);
  const page = { roomId, viewer: user_id, direction: 'b' as const, limit };
  const [standing, state, { events, next }, visibility] = await Promise.all([
    standingOf(context, roomId, user_id),
    reads.rooms.state(roomId, { at: last }),
    reads.timeline.page({ ...page, from: last + 1 }),
    reads.directory.visibility(roomId),
  ]);
  const printState = await statePrinter(context, roomId, session);
  const now = context.now();
  const texts = events.map((event) => eventText(event, session, now)).reverse();
  // Knocks are not among the memberships that the spec has here.
  const isTold = standing !== undefined && standing.membership !== 'knock';
  return new JsonText(
    `{"room_id":${JSON.stringify(roomId)},${isTold ? `"membership":"${standing.membership}",` : ''}` +
      `"visibility":"${visibility}",` +
      `"messages":${chunkText(texts, next, moment.token)},"state":[${state.map(printState).join(',')}],` +
      `"account_data":[${moment.account_data.map((datum) => bareText(datum)).join(',')}]}`,
  );
}

/** @param before the place before which there is more; undefined where there is not. */
function chunkText(chunk: readonly string[], before: number | undefined, end: string): string {
  const start = before === undefined ? '' : `"start":"${placeToken(before)}",`;
  return `{${start}"end":${JSON.stringify(end)},"chunk":[${chunk.join(',')}]}`;
}
