import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { type JsonObject, ownValue } from '../../matrix/json.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, objectSchema, userIdSchema } from '../schemas.ts';
import { spreadProfile } from './spread-profile.ts';

/** The fields that a profile can have. */
export const PROFILE_FIELDS = ['displayname', 'avatar_url'] as const;

/** One of them. */
export type ProfileField = (typeof PROFILE_FIELDS)[number];

/** 255 characters of a name, and a media URI, fit easily; a membership event holds both. */
const MAX_VALUE = 2_048;

const fieldParams = Type.Object({ userId: userIdSchema, keyName: Type.String() });

/** Profiles (spec: client-server API, "Profiles"). Reading them needs no access token. */
export function profileRoutes(app: App, context: ClientContext): void {
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
      const field = knownField(keyName);
      return setField(context, session, field, fieldValue(body, field));
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
      return setField(context, session, knownField(keyName), undefined);
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

function knownField(name: string): ProfileField {
  const field = PROFILE_FIELDS.find((known) => known === name);
  if (field === undefined) throw new MilenaError('FORBIDDEN', 'Profiles here have no such field.');
  return field;
}

/** The new value; an empty string or null removes the field, as clients expect. */
function fieldValue(body: JsonObject, field: ProfileField): string | undefined {
  const value = ownValue(body, field);
  if (value === undefined) throw new MilenaError('MISSING_PARAM', `${field}: is required`);
  if (value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new MilenaError('INVALID_PARAM', `${field}: must be a string`);
  if (value.length > MAX_VALUE) throw new MilenaError('TOO_LARGE', `${field}: is too long`);
  return value;
}

async function setField(
  context: ClientContext,
  session: Session,
  field: ProfileField,
  value: string | undefined,
): Promise<Record<string, never>> {
  await context.execute({
    kind: 'set_profile',
    id: freshCommandId(),
    at: context.now(),
    user_id: session.user_id,
    field,
    ...(value === undefined ? {} : { value }),
  });
  await spreadProfile(context, session.user_id, field, value);
  return {};
}
