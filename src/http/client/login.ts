import { type Static, Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { checkedAccount, userNamed } from '../password-check.ts';
import { addressKey } from '../rate-limits.ts';
import { route, SINCE_R0 } from '../route.ts';
import { identifierSchema } from '../uia/stage.ts';
import { newSession } from './new-session.ts';

const loginBody = Type.Object({
  type: Type.String(),
  identifier: Type.Optional(identifierSchema),
  /** Deprecated in favour of `identifier`. */
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  device_id: Type.Optional(Type.String()),
  initial_device_display_name: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.Boolean()),
});

const loginAnswer = Type.Object({
  user_id: Type.String(),
  access_token: Type.String(),
  device_id: Type.String(),
  /** Deprecated, still read by old clients. */
  home_server: Type.String(),
});

/** `GET login` and `POST login` (spec: client-server API, "Login"). */
export function loginRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/login',
    prefixes: SINCE_R0,
    auth: 'none',
    response: Type.Object({ flows: Type.Array(Type.Object({ type: Type.String() })) }),
    handle: async () => ({ flows: [{ type: 'm.login.password' }] }),
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

async function login(context: ClientContext, body: Static<typeof loginBody>, address: string) {
  if (body.type !== 'm.login.password') throw new MilenaError('UNKNOWN_LOGIN_TYPE');
  const { password } = body;
  if (password === undefined) throw new MilenaError('MISSING_PARAM', 'password: is required');
  const userId = userNamed(context, body);
  context.limits.take('loginAddress', addressKey(address));
  const account = await checkedAccount(context, userId, password);
  const displayName = body.initial_device_display_name;
  const { device, token } = newSession(context, account.user_id, body.device_id, displayName, body.type);
  const { mark } = context.auth;
  const { suspended } = await context.execute({
    kind: 'add_device',
    id: freshCommandId(),
    at: context.now(),
    user_id: account.user_id,
    device,
  });
  if (suspended !== undefined) {
    const { user_id, kind, admin } = account;
    const session = { user_id, device_id: device.device_id, kind, admin, locked: false, suspended };
    context.auth.remember(device.token_hash, session, mark);
  }
  // The device's old token, if it had one, ends here at once; elsewhere from the log's tail.
  context.auth.invalidate(account.user_id, [device.device_id], device.token_hash);
  return {
    user_id: account.user_id,
    access_token: token,
    device_id: device.device_id,
    home_server: context.serverName,
  };
}
