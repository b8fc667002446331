import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import { pushRulesContent } from '../../matrix/push-rule-changes.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { JsonText } from '../json-text.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, objectSchema, roomIdSchema, userIdSchema } from '../schemas.ts';

/** Account data that the server itself keeps (spec: client-server API, "Client Config", "Server behaviour"). */
const SERVER_CONTROLLED = new Set(['m.fully_read', 'm.push_rules']);

/** Bytes of a type at the most, as of an event's. */
const MAX_TYPE_BYTES = 255;

const globalParams = Type.Object({ userId: userIdSchema, type: Type.String() });
const roomParams = Type.Object({ userId: userIdSchema, roomId: roomIdSchema, type: Type.String() });

/** Account data, global and of rooms (spec: client-server API, "Client Config"). */
export function accountDataRoutes(app: App, context: ClientContext): void {
  globalRoutes(app, context);
  roomRoutes(app, context);
}

function globalRoutes(app: App, context: ClientContext): void {
  const path = '/user/:userId/account_data/:type';
  const global = { path, prefixes: SINCE_R0, auth: 'user', params: globalParams } as const;
  route(app, {
    ...global,
    method: 'PUT',
    body: objectSchema,
    response: emptySchema,
    handle: async ({ params: { userId, type }, bodyText, session }) => {
      requireSelf(session, userId);
      return setAccountData(context, { userId, roomId: null, type, content: bodyText });
    },
  });
  route(app, {
    ...global,
    method: 'GET',
    response: objectSchema,
    handle: async ({ params: { userId, type }, session }) => {
      requireSelf(session, userId);
      return new JsonText(await accountData(context, userId, null, type));
    },
  });
}

function roomRoutes(app: App, context: ClientContext): void {
  const path = '/user/:userId/rooms/:roomId/account_data/:type';
  const ofRoom = { path, prefixes: SINCE_R0, auth: 'user', params: roomParams } as const;
  route(app, {
    ...ofRoom,
    method: 'PUT',
    body: objectSchema,
    response: emptySchema,
    handle: async ({ params: { userId, roomId, type }, bodyText, session }) => {
      requireSelf(session, userId);
      return setAccountData(context, { userId, roomId, type, content: bodyText });
    },
  });
  route(app, {
    ...ofRoom,
    method: 'GET',
    response: objectSchema,
    handle: async ({ params: { userId, roomId, type }, session }) => {
      requireSelf(session, userId);
      return new JsonText(await accountData(context, userId, roomId, type));
    },
  });
}

/** Account data to be set; `content` is JSON of an object. */
export interface NewAccountData {
  readonly userId: UserId;
  readonly roomId: RoomId | null;
  readonly type: string;
  readonly content: string;
}

/** Sets account data. @throws MilenaError SERVER_CONTROLLED */
export async function setAccountData(
  context: ClientContext,
  data: NewAccountData,
): Promise<Record<string, never>> {
  if (SERVER_CONTROLLED.has(data.type)) throw new MilenaError('SERVER_CONTROLLED');
  if (Buffer.byteLength(data.type) > MAX_TYPE_BYTES)
    throw new MilenaError('INVALID_PARAM', 'type: is too long');
  await context.execute({
    kind: 'set_account_data',
    id: freshCommandId(),
    at: context.now(),
    user_id: data.userId,
    room_id: data.roomId,
    type: data.type,
    content: data.content,
  });
  return {};
}

/** Account data as JSON text. @throws MilenaError NOT_FOUND */
async function accountData(
  { reads, freshness }: ClientContext,
  userId: UserId,
  roomId: RoomId | null,
  type: string,
): Promise<string> {
  await freshness.user(userId);
  if (type === 'm.push_rules' && roomId === null) {
    return pushRulesContent(userId, await reads.accounts.pushRules(userId));
  }
  const find = () => reads.accounts.accountData(userId, roomId, type);
  const content = await freshness.orLater('user_values', userId, find);
  if (content !== undefined) return content;
  throw new MilenaError('NOT_FOUND', 'There is no such account data.');
}
