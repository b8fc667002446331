import { type Static, Type } from 'typebox';
import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import { tokenHash } from '../access-token.ts';
import type { App, ClientContext } from '../context.ts';
import type { JsonText } from '../json-text.ts';
import { type AccountMade, checkPassword, createAccount, newUserId, requireFree } from '../new-account.ts';
import { addressKey } from '../rate-limits.ts';
import { isValidToken } from '../registration-token.ts';
import { route, SINCE_R0 } from '../route.ts';
import { interactive } from '../uia/interactive.ts';
import { registrationFlows, requireRegistration } from '../uia/registration-flows.ts';
import { authSchema } from '../uia/stage.ts';

const registerBody = Type.Object({
  auth: Type.Optional(authSchema),
  username: Type.Optional(Type.String()),
  /** Of a guest whose account this becomes (spec: "Guest Access"). */
  guest_access_token: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  device_id: Type.Optional(Type.String()),
  initial_device_display_name: Type.Optional(Type.String()),
  inhibit_login: Type.Optional(Type.Boolean()),
  refresh_token: Type.Optional(Type.Boolean()),
});

type RegisterBody = Static<typeof registerBody>;

const registerAnswer = Type.Object({
  user_id: Type.String(),
  access_token: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.String()),
  expires_in_ms: Type.Optional(Type.Integer()),
  device_id: Type.Optional(Type.String()),
});

/**
 * `POST register`, `GET register/available` and the validity of registration tokens (spec: client-server API,
 * "Account registration", "Token-authenticated registration").
 */
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
    handle: ({ query, body, address }) =>
      query.kind === 'guest' ? registerGuest(context, body, address) : register(context, body, address),
  });
  route(app, {
    method: 'GET',
    path: '/register/available',
    prefixes: SINCE_R0,
    auth: 'none',
    query: Type.Object({ username: Type.String() }),
    response: Type.Object({ available: Type.Boolean() }),
    handle: async ({ query, address }) => {
      requireRegistration(context.settings);
      context.limits.take('loginAddress', addressKey(address));
      await requireFree(context, newUserId(context, query.username));
      return { available: true };
    },
  });
  route(app, {
    method: 'GET',
    path: '/register/m.login.registration_token/validity',
    prefixes: ['/_matrix/client/v1'],
    auth: 'none',
    query: Type.Object({ token: Type.String() }),
    response: Type.Object({ valid: Type.Boolean() }),
    handle: async ({ query, address }) => {
      requireRegistration(context.settings);
      context.limits.take('loginAddress', addressKey(address));
      return { valid: await isValidToken(context, tokenHash(query.token)) };
    },
  });
}

async function register(
  context: ClientContext,
  body: RegisterBody,
  address: string,
): Promise<AccountMade | JsonText> {
  requireRegistration(context.settings);
  const { auth, username, password, device_id, initial_device_display_name, guest_access_token } = body;
  const userId = username === undefined ? undefined : newUserId(context, username);
  if (userId !== undefined) context.limits.take('loginAddress', addressKey(address));
  else if (guest_access_token !== undefined) {
    throw new MilenaError('MISSING_PARAM', 'username: is required with a guest_access_token');
  }
  if (password !== undefined) checkPassword(password);
  const request = {
    operation: 'POST /register',
    user: undefined,
    address,
    flows: registrationFlows(context.settings),
    mayBeginEmpty: true,
    auth,
    // Before anybody solves a captcha for a name that is taken (spec: 400). It tells strangers whose names there are.
    check: async () => {
      if (userId === undefined) return;
      if (guest_access_token === undefined) await requireFree(context, userId);
      else await requireGuest(context, guest_access_token, userId);
    },
    parameters: {
      username,
      // The hash does: sessions are stored.
      guest: guest_access_token === undefined ? undefined : tokenHash(guest_access_token),
      password,
      device_id,
      initial_device_display_name,
      inhibit_login: body.inhibit_login,
      refresh_token: body.refresh_token,
    },
  };
  return interactive(context, request, (wanted, proven) => {
    context.limits.take('registration', addressKey(address));
    if (wanted.password === undefined) throw new MilenaError('MISSING_PARAM', 'password: is required');
    return createAccount(context, {
      userId: wanted.username === undefined ? randomUserId(context) : newUserId(context, wanted.username),
      kind: 'user',
      guestHash: wanted.guest,
      password: wanted.password,
      admin: false,
      method: 'registration',
      deviceId: wanted.device_id,
      displayName: wanted.initial_device_display_name,
      refreshes: wanted.refresh_token ?? false,
      inhibitLogin: wanted.inhibit_login ?? false,
      terms: proven.terms,
      registrationToken: proven.registrationToken,
    });
  });
}

/**
 * A guest's account is upgraded by who has its token and names it (spec: client-server API, "Guest Access").
 * @throws MilenaError FORBIDDEN for a token that is no guest's, or another guest's.
 */
async function requireGuest({ auth }: ClientContext, token: string, userId: UserId): Promise<void> {
  try {
    const session = await auth.sessionOf(token);
    if (session.kind === 'guest' && session.user_id === userId) return;
  } catch (error) {
    if (!isMilenaError(error, 'UNKNOWN_TOKEN')) throw error;
  }
  throw new MilenaError('FORBIDDEN', 'guest_access_token: is no token of a guest of this name');
}

/** Of what a guest sends, only the device's name counts (spec: client-server API, "Guest Access"). */
function registerGuest(context: ClientContext, body: RegisterBody, address: string): Promise<AccountMade> {
  if (!context.settings.guests) {
    throw new MilenaError('GUEST_ACCESS_FORBIDDEN', 'This server has no guest accounts.');
  }
  context.limits.take('registration', addressKey(address));
  return createAccount(context, {
    userId: randomUserId(context),
    kind: 'guest',
    password: undefined,
    admin: false,
    method: 'guest',
    deviceId: undefined,
    displayName: body.initial_device_display_name,
    inhibitLogin: false,
  });
}

function randomUserId(context: ClientContext): UserId {
  return newUserId(context, Buffer.from(context.random(8)).toString('hex'));
}
