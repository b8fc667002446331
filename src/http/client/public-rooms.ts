import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { placeOf } from '../../../projections/directory/public-rooms.ts';
import { MilenaError } from '../../errors/milena-error.ts';
import { listingKey } from '../../log/resource-keys.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { ListedRoom, ListQuery } from '../reads/directory-reads.ts';
import { mayChangeState } from '../room-levels.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, roomIdSchema } from '../schemas.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;

const visibilitySchema = Type.Union([Type.Literal('public'), Type.Literal('private')]);

const listSchema = Type.Object({
  chunk: Type.Array(
    Type.Object({
      room_id: Type.String(),
      num_joined_members: Type.Integer(),
      world_readable: Type.Boolean(),
      guest_can_join: Type.Boolean(),
      join_rule: Type.String(),
      name: Type.Optional(Type.String()),
      topic: Type.Optional(Type.String()),
      avatar_url: Type.Optional(Type.String()),
      canonical_alias: Type.Optional(Type.String()),
      room_type: Type.Optional(Type.String()),
    }),
  ),
  next_batch: Type.Optional(Type.String()),
  prev_batch: Type.Optional(Type.String()),
  total_room_count_estimate: Type.Integer(),
});

/** The published room directory (spec: client-server API, "Published Room Directory"). */
export function publicRoomRoutes(app: App, context: ClientContext): void {
  listRoutes(app, context);
  visibilityRoutes(app, context);
}

const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  since: Type.Optional(Type.String()),
};

const server = Type.Object({ server: Type.Optional(Type.String()) });

const searchBody = Type.Object({
  ...paging,
  filter: Type.Optional(
    Type.Object({
      generic_search_term: Type.Optional(Type.String()),
      room_types: Type.Optional(Type.Array(Type.Union([Type.String(), Type.Null()]))),
    }),
  ),
  include_all_networks: Type.Optional(Type.Boolean()),
  third_party_instance_id: Type.Optional(Type.String()),
});

function listRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/publicRooms',
    prefixes: SINCE_R0,
    auth: 'none',
    query: Type.Object({ ...paging, ...server.properties }),
    response: listSchema,
    handle: ({ query }) => list(context, { ...query }),
  });
  route(app, {
    method: 'POST',
    path: '/publicRooms',
    prefixes: SINCE_R0,
    auth: 'user',
    query: server,
    body: searchBody,
    emptyBody: true,
    response: listSchema,
    handle: async ({ query, body }) => {
      const { limit, since, filter, include_all_networks, third_party_instance_id } = body;
      if (third_party_instance_id !== undefined && include_all_networks === true) {
        throw new MilenaError('INVALID_PARAM', 'third_party_instance_id: one network, or all of them');
      }
      // No bridge has told of networks of its own: there are none to list.
      if (third_party_instance_id !== undefined) return { chunk: [], total_room_count_estimate: 0 };
      return list(context, {
        server: query.server,
        limit,
        since,
        search: filter?.generic_search_term,
        roomTypes: filter?.room_types,
      });
    },
  });
}

function visibilityRoutes(app: App, context: ClientContext): void {
  const common = {
    path: '/directory/list/room/:roomId',
    prefixes: SINCE_R0,
    params: Type.Object({ roomId: roomIdSchema }),
  } as const;
  route(app, {
    ...common,
    method: 'GET',
    auth: 'none',
    response: Type.Object({ visibility: visibilitySchema }),
    handle: async ({ params: { roomId } }) => {
      await Promise.all([requireRoom(context, roomId), context.freshness.resource(listingKey(roomId))]);
      return { visibility: await context.reads.directory.visibility(roomId) };
    },
  });
  route(app, {
    ...common,
    method: 'PUT',
    auth: 'user',
    body: Type.Object({ visibility: Type.Optional(visibilitySchema) }),
    emptyBody: true,
    response: emptySchema,
    handle: async ({ params: { roomId }, body: { visibility = 'public' }, session }) => {
      await requireRoom(context, roomId);
      const may = await mayChangeState(context, roomId, session.user_id, 'm.room.canonical_alias');
      if (!may && !session.admin) throw new MilenaError('FORBIDDEN', 'You may not list or hide this room.');
      const stamp = { id: freshCommandId(), at: context.now() };
      const actor = session.user_id;
      await context.execute({ kind: 'list_room', ...stamp, room_id: roomId, visibility, actor });
      return {};
    },
  });
}

/** @throws MilenaError NOT_FOUND */
async function requireRoom({ freshness, reads }: ClientContext, roomId: RoomId): Promise<void> {
  await freshness.room(roomId);
  const version = await freshness.orLater('rooms', roomId, () => reads.rooms.version(roomId));
  if (version === undefined) throw new MilenaError('NOT_FOUND', 'There is no such room here.');
}

interface ListRequest {
  readonly server?: string | undefined;
  readonly limit?: number | undefined;
  readonly since?: string | undefined;
  readonly search?: string | undefined;
  readonly roomTypes?: readonly (string | null)[] | undefined;
}

async function list(context: ClientContext, request: ListRequest) {
  if (request.server !== undefined && request.server !== context.serverName) {
    throw new MilenaError('NOT_FOUND', 'This server does not ask other servers for their rooms yet.');
  }
  await context.freshness.all();
  const page = await context.reads.directory.list({
    limit: Math.min(request.limit ?? DEFAULT_LIMIT, MAX_LIMIT),
    ...sinceOf(request.since),
    ...(request.search === undefined || request.search === '' ? {} : { search: request.search }),
    ...(request.roomTypes === undefined ? {} : { room_types: request.roomTypes }),
  });
  const [first, last] = [page.rooms[0], page.rooms.at(-1)];
  return {
    chunk: page.rooms.map((room) => ({ ...room })),
    total_room_count_estimate: page.total,
    ...(page.hasLater && last !== undefined ? { next_batch: token('after', last) } : {}),
    ...(page.hasEarlier && first !== undefined ? { prev_batch: token('before', first) } : {}),
  };
}

/** Tokens of the directory: the direction and a room's place in the order, as JSON in base64url. */
function token(direction: 'after' | 'before', room: ListedRoom): string {
  const { joined, room_id } = placeOf(room);
  return Buffer.from(JSON.stringify([direction, joined, room_id])).toString('base64url');
}

const tokenParts = Compile(
  Type.Tuple([Type.Union([Type.Literal('after'), Type.Literal('before')]), Type.Integer(), Type.String()]),
);

function sinceOf(since: string | undefined): Pick<ListQuery, 'after' | 'before'> {
  if (since === undefined || since === '') return {};
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(since, 'base64url').toString('utf8'));
  } catch {
    parts = undefined;
  }
  if (!tokenParts.Check(parts)) {
    throw new MilenaError('INVALID_PARAM', 'since: is no token of this server');
  }
  const [direction, joined, room_id] = parts;
  return { [direction]: { joined, room_id } };
}
