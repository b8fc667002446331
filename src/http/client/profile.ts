import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { type JsonObject, type JsonValue, ownValue } from '../../matrix/json.ts';
import { isMxcUri } from '../../matrix/mxc-uri.ts';
import { isShownInRooms } from '../../matrix/profile-fields.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, objectSchema, userIdSchema } from '../schemas.ts';

/** 255 characters of a name, and a media URI, fit easily; a membership event holds both. */
const MAX_SHOWN = 2_048;
/** Bytes of a field's name at the most (spec: "Profiles"). How large a profile may be, its owner decides. */
const MAX_KEY_BYTES = 255;
/** Spec: appendices, "Common Namespaced Identifier Grammar". */
const FIELD_NAME = /^[a-z][a-z0-9_.-]*$/;

const fieldParams = Type.Object({ userId: userIdSchema, keyName: Type.String() });

/** Profiles (spec: client-server API, "Profiles"). Reading them needs no access token. */
export function profileRoutes(app: App, context: ClientContext): void {
  readProfile(app, context);
  changeProfile(app, context);
}

function readProfile(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/profile/:userId',
    prefixes: SINCE_R0,
    auth: 'none',
    params: Type.Object({ userId: userIdSchema }),
    response: objectSchema,
    handle: ({ params }) => profileOf(context, params.userId),
  });
  route(app, {
    method: 'GET',
    path: '/profile/:userId/:keyName',
    prefixes: SINCE_R0,
    auth: 'none',
    params: fieldParams,
    response: objectSchema,
    handle: async ({ params: { userId, keyName } }) => {
      const value = ownValue(await profileOf(context, userId), keyName);
      if (value === undefined) throw new MilenaError('NOT_FOUND', 'The profile has no such field.');
      return { [keyName]: value };
    },
  });
}

function changeProfile(app: App, context: ClientContext): void {
  route(app, {
    method: 'PUT',
    path: '/profile/:userId/:keyName',
    prefixes: SINCE_R0,
    auth: 'user',
    params: fieldParams,
    body: objectSchema,
    numbers: 'integers',
    response: emptySchema,
    handle: async ({ params: { userId, keyName }, body, session }) => {
      requireSelf(session, userId);
      requireFieldName(keyName);
      return setField(context, session, keyName, fieldValue(body, keyName));
    },
  });
  route(app, {
    method: 'DELETE',
    path: '/profile/:userId/:keyName',
    prefixes: SINCE_R0,
    auth: 'user',
    params: fieldParams,
    response: emptySchema,
    handle: async ({ params: { userId, keyName }, session }) => {
      requireSelf(session, userId);
      requireFieldName(keyName);
      return setField(context, session, keyName, undefined);
    },
  });
}

async function profileOf(context: ClientContext, userId: Session['user_id']): Promise<JsonObject> {
  await context.freshness.user(userId);
  const find = () => context.reads.accounts.profile(userId);
  const profile = await context.freshness.orLater('users', userId, find);
  if (profile === undefined) throw new MilenaError('NOT_FOUND', 'There is no such user here.');
  return profile;
}

/** @throws MilenaError KEY_TOO_LARGE, INVALID_PARAM */
function requireFieldName(name: string): void {
  if (Buffer.byteLength(name) > MAX_KEY_BYTES) throw new MilenaError('KEY_TOO_LARGE');
  if (!FIELD_NAME.test(name)) throw new MilenaError('INVALID_PARAM', 'keyName: cannot name a profile field');
}

/** The new value; undefined removes the field, as an empty string or null does for those that rooms show. */
function fieldValue(body: JsonObject, field: string): JsonValue | undefined {
  const value = ownValue(body, field);
  if (value === undefined) throw new MilenaError('MISSING_PARAM', `${field}: is required`);
  if (field === 'm.tz' && typeof value !== 'string') {
    throw new MilenaError('INVALID_PARAM', 'm.tz: must be a string');
  }
  if (!isShownInRooms(field)) return value;
  if (value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new MilenaError('INVALID_PARAM', `${field}: must be a string`);
  if (field === 'avatar_url' && !isMxcUri(value)) {
    throw new MilenaError('INVALID_PARAM', 'avatar_url: must be an mxc URI');
  }
  if (value.length > MAX_SHOWN) throw new MilenaError('TOO_LARGE', `${field}: is too long`);
  return value;
}

async function setField(
  context: ClientContext,
  session: Session,
  field: string,
  value: JsonValue | undefined,
): Promise<Record<string, never>> {
  const { written } = await context.execute({
    kind: 'set_profile',
    id: freshCommandId(),
    at: context.now(),
    user_id: session.user_id,
    field,
    ...(value === undefined ? {} : { value }),
  });
  if (written !== undefined && isShownInRooms(field))
    context.presence?.renamed(session.user_id, written.offset);
  // Rooms are told by a process manager that follows the log: `src/managers/profile-teller.ts`.
  return {};
}
