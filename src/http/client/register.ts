import { type Static, Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import { type JsonText, jsonAnswer } from '../json-text.ts';
import { type AccountMade, createAccount, newUserId, requireFree } from '../new-account.ts';
import { addressKey } from '../rate-limits.ts';
import { route, SINCE_R0 } from '../route.ts';

const registerBody = Type.Object({
  auth: Type.Optional(
    Type.Object({ type: Type.Optional(Type.String()), session: Type.Optional(Type.String()) }),
  ),
  username: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  device_id: Type.Optional(Type.String()),
  initial_device_display_name: Type.Optional(Type.String()),
  inhibit_login: Type.Optional(Type.Boolean()),
  refresh_token: Type.Optional(Type.Boolean()),
});

const registerAnswer = Type.Object({
  user_id: Type.String(),
  access_token: Type.Optional(Type.String()),
  device_id: Type.Optional(Type.String()),
});

/** `POST register` and `GET register/available` (spec: client-server API, "Account registration"). */
export function registerRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/register',
    prefixes: SINCE_R0,
    auth: 'none',
    query: Type.Object({ kind: Type.Optional(Type.Union([Type.Literal('guest'), Type.Literal('user')])) }),
    body: registerBody,
    emptyBody: true,
    response: registerAnswer,
    handle: ({ query, body, address }) => register(context, query.kind, body, address),
  });
  route(app, {
    method: 'GET',
    path: '/register/available',
    prefixes: SINCE_R0,
    auth: 'none',
    query: Type.Object({ username: Type.String() }),
    response: Type.Object({ available: Type.Boolean() }),
    handle: async ({ query }) => {
      requireOpen(context);
      await requireFree(context, newUserId(context, query.username));
      return { available: true };
    },
  });
}

async function register(
  context: ClientContext,
  kind: string | undefined,
  body: Static<typeof registerBody>,
  address: string,
): Promise<AccountMade | JsonText> {
  if (kind === 'guest') throw new MilenaError('GUEST_ACCESS_FORBIDDEN');
  requireOpen(context);
  const userId = body.username === undefined ? undefined : newUserId(context, body.username);
  if (userId !== undefined) await requireFree(context, userId);
  // The one stage proves nothing, so no session is needed: any `auth` with its type is complete.
  if (body.auth?.type !== 'm.login.dummy') return interactiveAuth(context);
  context.limits.take('registration', addressKey(address));
  if (body.password === undefined) throw new MilenaError('MISSING_PARAM', 'password: is required');
  return createAccount(context, {
    userId: userId ?? randomUserId(context),
    password: body.password,
    admin: false,
    method: 'registration',
    deviceId: body.device_id,
    displayName: body.initial_device_display_name,
    inhibitLogin: body.inhibit_login ?? false,
  });
}

function requireOpen({ settings }: ClientContext): void {
  if (settings.registration !== 'open') {
    throw new MilenaError('FORBIDDEN', 'Registration is closed on this server.');
  }
}

/** Spec: client-server API, "User-Interactive API in the REST API". */
function interactiveAuth({ random }: ClientContext): JsonText {
  return jsonAnswer(401, {
    session: Buffer.from(random(18)).toString('base64url'),
    flows: [{ stages: ['m.login.dummy'] }],
    params: {},
  });
}

function randomUserId(context: ClientContext): UserId {
  return newUserId(context, Buffer.from(context.random(8)).toString('hex'));
}
