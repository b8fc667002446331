import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { asUserId, type UserId } from '../../matrix/identifiers.ts';
import { tokenHash } from '../access-token.ts';
import type { App, ClientContext } from '../context.ts';
import { findAccount } from '../password-check.ts';
import type { Account } from '../reads/account-reads.ts';
import { route } from '../route.ts';
import { interactive } from '../uia/interactive.ts';
import { authSchema, PASSWORD_FLOWS } from '../uia/stage.ts';

const TOKEN_BYTES = 32;

/** `POST login/get_token` (spec: client-server API, "Login"): one device lets another log in, once. */
export function loginTokenRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/login/get_token',
    prefixes: ['/_matrix/client/v1'],
    auth: 'user',
    body: Type.Object({ auth: Type.Optional(authSchema) }),
    emptyBody: true,
    response: Type.Object({ login_token: Type.String(), expires_in_ms: Type.Integer() }),
    handle: ({ session, body, address }) => {
      if (context.settings.loginTokenLifetime === 0) throw new MilenaError('LOGIN_TOKENS_OFF');
      const request = {
        operation: 'POST /login/get_token',
        user: session.user_id,
        address,
        flows: PASSWORD_FLOWS,
        auth: body.auth,
        parameters: {},
        // Spec: the server MUST ask for it each time.
        once: true,
      };
      return interactive(context, request, () => newLoginToken(context, session.user_id));
    },
  });
}

async function newLoginToken({ sessions, random, settings }: ClientContext, userId: UserId) {
  const token = `mll_${Buffer.from(random(TOKEN_BYTES)).toString('base64url')}`;
  const ttlMs = settings.loginTokenLifetime;
  await sessions.put([{ ...placeOf(token), value: userId, ttlMs }]);
  return { login_token: token, expires_in_ms: ttlMs };
}

/**
 * The account that a login token was made for; from then on it is good for nothing.
 * @throws MilenaError FORBIDDEN when it is none, was used, or its time is over; USER_DEACTIVATED
 */
export async function accountOfLoginToken(context: ClientContext, token: string): Promise<Account> {
  const userId = await context.sessions.take(placeOf(token));
  const account = userId === undefined ? undefined : await findAccount(context, asUserId(userId));
  if (account === undefined) throw new MilenaError('FORBIDDEN', 'The login token is not valid.');
  if (account.deactivated) throw new MilenaError('USER_DEACTIVATED');
  return account;
}

function placeOf(token: string) {
  return { kind: 'login_token', owner: '', name: tokenHash(token) } as const;
}
