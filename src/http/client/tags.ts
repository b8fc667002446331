import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import { type JsonObject, ownObject, withoutKeys } from '../../matrix/json.ts';
import type { App, ClientContext } from '../context.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, objectSchema, roomIdSchema, userIdSchema } from '../schemas.ts';
import { setAccountData } from './account-data.ts';

/** Bytes of a tag's name at the most (spec: "Room Tagging"). */
const MAX_TAG_BYTES = 255;

const tagParams = Type.Object({ userId: userIdSchema, roomId: roomIdSchema, tag: Type.String() });

/** Tags of rooms: the room account data `m.tag`, one by one (spec: client-server API, "Room Tagging"). */
export function tagRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/user/:userId/rooms/:roomId/tags',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ userId: userIdSchema, roomId: roomIdSchema }),
    response: Type.Object({ tags: Type.Record(Type.String(), objectSchema) }),
    handle: async ({ params: { userId, roomId }, session }) => {
      requireSelf(session, userId);
      // Each tag is an object: only the route below writes one, or a client that set `m.tag` as a whole.
      return { tags: (await tagsOf(context, userId, roomId)) as Record<string, JsonObject> };
    },
  });
  changeTags(app, context);
}

function changeTags(app: App, context: ClientContext): void {
  route(app, {
    method: 'PUT',
    path: '/user/:userId/rooms/:roomId/tags/:tag',
    prefixes: SINCE_R0,
    auth: 'user',
    params: tagParams,
    body: Type.Object(
      { order: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })) },
      { additionalProperties: true },
    ),
    emptyBody: true,
    response: emptySchema,
    handle: async ({ params: { userId, roomId, tag }, bodyText, session }) => {
      requireSelf(session, userId);
      if (Buffer.byteLength(tag) > MAX_TAG_BYTES) throw new MilenaError('INVALID_PARAM', 'tag: is too long');
      const others = withoutKeys(await tagsOf(context, userId, roomId), new Set([tag]));
      const added: JsonObject = JSON.parse(bodyText === '' ? '{}' : bodyText);
      return setTags(context, userId, roomId, Object.fromEntries([...Object.entries(others), [tag, added]]));
    },
  });
  route(app, {
    method: 'DELETE',
    path: '/user/:userId/rooms/:roomId/tags/:tag',
    prefixes: SINCE_R0,
    auth: 'user',
    params: tagParams,
    response: emptySchema,
    handle: async ({ params: { userId, roomId, tag }, session }) => {
      requireSelf(session, userId);
      const others = withoutKeys(await tagsOf(context, userId, roomId), new Set([tag]));
      return setTags(context, userId, roomId, others);
    },
  });
}

async function tagsOf(
  { reads, freshness }: ClientContext,
  userId: UserId,
  roomId: RoomId,
): Promise<JsonObject> {
  await freshness.user(userId);
  const text = await reads.accounts.accountData(userId, roomId, 'm.tag');
  return text === undefined ? {} : (ownObject(JSON.parse(text), 'tags') ?? {});
}

function setTags(context: ClientContext, userId: UserId, roomId: RoomId, tags: JsonObject) {
  return setAccountData(context, { userId, roomId, type: 'm.tag', content: JSON.stringify({ tags }) });
}
