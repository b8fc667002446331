import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Static, Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { createAccount, newUserId, requireFree } from '../new-account.ts';
import { route } from '../route.ts';

const PATH = '/_synapse/admin/v1/register';
/** How long a nonce may be used, milliseconds. */
const NONCE_MS = 60_000;

const registerBody = Type.Object({
  nonce: Type.String(),
  username: Type.String(),
  password: Type.String(),
  mac: Type.String(),
  displayname: Type.Optional(Type.String()),
  admin: Type.Optional(Type.Boolean()),
  user_type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  inhibit_login: Type.Optional(Type.Boolean()),
});

/**
 * Making accounts with a shared secret, as existing tools do it: fetch a nonce, then send the account and the
 * HMAC-SHA1 under the secret of nonce, user name, password and `admin` or `notadmin` (and the user type, where
 * one is given), joined by NUL. There is no such endpoint unless a secret is configured.
 */
export function sharedSecretRegistration(app: App, context: ClientContext): void {
  const secret = context.settings.registrationSharedSecret;
  if (secret === undefined || secret === '') return;
  const nonces = new LRUCache<string, true>({ max: 1_000, ttl: NONCE_MS });
  route(app, {
    method: 'GET',
    path: PATH,
    prefixes: [''],
    auth: 'none',
    response: Type.Object({ nonce: Type.String() }),
    handle: async () => {
      const nonce = Buffer.from(context.random(32)).toString('hex');
      nonces.set(nonce, true);
      return { nonce };
    },
  });
  route(app, {
    method: 'POST',
    path: PATH,
    prefixes: [''],
    auth: 'none',
    body: registerBody,
    response: Type.Object({
      user_id: Type.String(),
      access_token: Type.Optional(Type.String()),
      device_id: Type.Optional(Type.String()),
      home_server: Type.String(),
    }),
    handle: async ({ body }) => {
      if (!nonces.delete(body.nonce))
        throw new MilenaError('INVALID_PARAM', 'nonce: is not known, or is used up');
      requireMac(secret, body);
      return register(context, body);
    },
  });
}

type RegisterBody = Static<typeof registerBody>;

function requireMac(secret: string, body: RegisterBody): void {
  const parts = [body.nonce, body.username, body.password, body.admin === true ? 'admin' : 'notadmin'];
  if (typeof body.user_type === 'string' && body.user_type !== '') parts.push(body.user_type);
  const expected = createHmac('sha1', secret).update(parts.join('\0')).digest();
  const given = Buffer.from(body.mac, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new MilenaError('FORBIDDEN', 'HMAC incorrect');
  }
}

async function register(context: ClientContext, body: RegisterBody) {
  const userId = newUserId(context, body.username);
  await requireFree(context, userId);
  const made = await createAccount(context, {
    userId,
    kind: 'user',
    password: body.password,
    admin: body.admin === true,
    method: 'shared_secret',
    deviceId: undefined,
    displayName: undefined,
    inhibitLogin: body.inhibit_login ?? false,
    profileName: body.displayname,
  });
  return { ...made, home_server: context.serverName };
}
