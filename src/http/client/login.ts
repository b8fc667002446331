import { type Static, Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { parseUserId, serverOf, type UserId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { addressKey } from '../rate-limits.ts';
import type { Account } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { newSession } from './new-session.ts';

const loginBody = Type.Object({
  type: Type.String(),
  identifier: Type.Optional(Type.Object({ type: Type.String(), user: Type.Optional(Type.String()) })),
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
  const userId = userOf(context, body);
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

/** The user that a login names, undefined when it cannot be one of ours. */
function userOf({ serverName }: ClientContext, body: Static<typeof loginBody>): UserId | undefined {
  if (body.identifier !== undefined && body.identifier.type !== 'm.id.user') {
    throw new MilenaError('FORBIDDEN', 'Log in with a user name; other identifiers are not known here.');
  }
  const name = body.identifier?.user ?? body.user;
  if (name === undefined) throw new MilenaError('MISSING_PARAM', 'identifier: is required');
  const userId = parseUserId(name.startsWith('@') ? name : `@${name}:${serverName}`);
  return userId !== undefined && serverOf(userId) === serverName ? userId : undefined;
}

/**
 * A guess is counted before its hash is worked out, so that guesses sent at once count too; what was no wrong
 * guess (the right password, or an answer that we owe) is given back.
 * @throws MilenaError FORBIDDEN the same for a wrong password and an unknown user; LIMIT_EXCEEDED
 */
async function checkedAccount(
  context: ClientContext,
  userId: UserId | undefined,
  password: string,
): Promise<Account> {
  if (userId !== undefined) context.limits.take('loginAccount', userId);
  let isWrong = false;
  try {
    const account = userId === undefined ? undefined : await findAccount(context, userId);
    if (account?.deactivated === true) throw new MilenaError('USER_DEACTIVATED');
    const isRight = await context.passwords.verify(password, account?.password_hash ?? undefined);
    if (isRight && account !== undefined) return account;
    isWrong = true;
    throw new MilenaError('FORBIDDEN', 'The user name or the password is wrong.');
  } finally {
    if (!isWrong && userId !== undefined) context.limits.giveBack('loginAccount', userId);
  }
}

async function findAccount(context: ClientContext, userId: UserId): Promise<Account | undefined> {
  await context.freshness.user(userId);
  return context.freshness.orLater('users', userId, () => context.reads.accounts.account(userId));
}
