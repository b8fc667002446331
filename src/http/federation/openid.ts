import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { asUserId } from '../../matrix/identifiers.ts';
import { tokenHash } from '../access-token.ts';
import type { App, ClientContext } from '../context.ts';
import { route } from '../route.ts';

/** `GET openid/userinfo` (spec: server-server API, "OpenID"). Anybody asks, with the user's token in the query. */
export function openIdUserInfo(app: App, { sessions, reads }: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/_matrix/federation/v1/openid/userinfo',
    prefixes: [''],
    auth: 'none',
    query: Type.Object({ access_token: Type.Optional(Type.String()) }),
    response: Type.Object({ sub: Type.String() }),
    handle: async ({ query: { access_token: token } }) => {
      if (token === undefined) throw new MilenaError('MISSING_TOKEN', 'access_token: is required');
      const found = await sessions.get({ kind: 'openid', owner: '', name: tokenHash(token) });
      const account = found === undefined ? undefined : await reads.accounts.account(asUserId(found));
      // Who was closed or locked since is nobody any more.
      if (account === undefined || account.deactivated || account.locked) {
        throw new MilenaError('UNKNOWN_TOKEN', 'The token is not known, or its time is over.');
      }
      return { sub: account.user_id };
    },
  });
}
