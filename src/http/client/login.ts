import { type Static, Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { checkedAccount, userNamed } from '../password-check.ts';
import { addressKey } from '../rate-limits.ts';
import type { Account } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { identifierSchema } from '../uia/stage.ts';
import { accountOfLoginToken } from './login-token.ts';
import { newSession } from './new-session.ts';

const loginBody = Type.Object({
  type: Type.String(),
  identifier: Type.Optional(identifierSchema),
  /** Deprecated in favour of `identifier`. */
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  token: Type.Optional(Type.String()),
  device_id: Type.Optional(Type.String()),
  initial_device_display_name: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.Boolean()),
});

type LoginBody = Static<typeof loginBody>;

const loginAnswer = Type.Object({
  user_id: Type.String(),
  access_token: Type.String(),
  refresh_token: Type.Optional(Type.String()),
  expires_in_ms: Type.Optional(Type.Integer()),
  device_id: Type.String(),
  /** Deprecated, still read by old clients. */
  home_server: Type.String(),
});

const flowSchema = Type.Object({ type: Type.String(), get_login_token: Type.Optional(Type.Boolean()) });

/** `GET login` and `POST login` (spec: client-server API, "Login"). */
export function loginRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/login',
    prefixes: SINCE_R0,
    auth: 'none',
    response: Type.Object({ flows: Type.Array(flowSchema) }),
    handle: async () => ({ flows: flowsOf(context) }),
  });
  route(app, {
    method: 'POST',
    path: '/login',
    prefixes: SINCE_R0,
    auth: 'none',
    body: loginBody,
    response: loginAnswer,
    handle: ({ body, address }) => login(context, body, address),
  });
}

function flowsOf({ settings }: ClientContext): Static<typeof flowSchema>[] {
  const password = { type: 'm.login.password' };
  return settings.loginTokenLifetime === 0
    ? [password]
    : [password, { type: 'm.login.token', get_login_token: true }];
}

async function login(context: ClientContext, body: LoginBody, address: string) {
  const account = await provenAccount(context, body, address);
  const { user_id, kind, admin } = account;
  const { device, answer } = newSession(context, user_id, {
    id: body.device_id,
    displayName: body.initial_device_display_name,
    method: body.type,
    refreshes: body.refresh_token ?? false,
  });
  const { device_id, token_hash, expires_at } = device;
  const { mark } = context.auth;
  const stamp = { id: freshCommandId(), at: context.now() };
  const { suspended } = await context.execute({ kind: 'add_device', ...stamp, user_id, device });
  if (suspended !== undefined) {
    const restrictions = { locked: false, suspended };
    const session = { user_id, device_id, kind, admin, expires_at, unused: false, ...restrictions };
    context.auth.remember(token_hash, session, mark);
  }
  // The device's old tokens, if it had some, end here at once; elsewhere from the log's tail.
  context.auth.invalidate(user_id, [device_id], [token_hash]);
  return { user_id, device_id, home_server: context.serverName, ...answer };
}

/**
 * Whose login this is.
 * @throws MilenaError UNKNOWN_LOGIN_TYPE, MISSING_PARAM, FORBIDDEN, USER_DEACTIVATED, LIMIT_EXCEEDED
 */
async function provenAccount(context: ClientContext, body: LoginBody, address: string): Promise<Account> {
  switch (body.type) {
    case 'm.login.password': {
      const { password } = body;
      if (password === undefined) throw new MilenaError('MISSING_PARAM', 'password: is required');
      const userId = userNamed(context, body);
      context.limits.take('loginAddress', addressKey(address));
      return checkedAccount(context, userId, password);
    }
    case 'm.login.token': {
      const { token } = body;
      if (token === undefined) throw new MilenaError('MISSING_PARAM', 'token: is required');
      context.limits.take('loginAddress', addressKey(address));
      return accountOfLoginToken(context, token);
    }
    default:
      throw new MilenaError('UNKNOWN_LOGIN_TYPE');
  }
}
