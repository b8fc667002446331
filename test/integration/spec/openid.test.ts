import { describe, it } from 'node:test';
import { admin, WITH_ADMINS } from '../../support/admin.ts';
import { type Client, path, text } from '../../support/client.ts';
import { expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const REQUEST = 'CS API, POST /user/{userId}/openid/request_token';
const EXCHANGE = 'SS API, GET /openid/userinfo';

const server = sharedServer({ env: WITH_ADMINS });

async function request(user: Client) {
  const answer = await user.ask('POST', path('user', user.userId, 'openid', 'request_token'), { json: {} });
  return expectOk(answer, REQUEST);
}

function exchange(token: string, headers = {}) {
  const query = new URLSearchParams({ access_token: token });
  return server.http.ask('GET', `/_matrix/federation/v1/openid/userinfo?${query}`, { headers });
}

describe('OpenID tokens', () => {
  it('come with their type, the server’s name and how long they last', async () => {
    const body = await request(await server.user());
    same(body['token_type'], 'Bearer', REQUEST);
    same(body['matrix_server_name'], server.serverName, REQUEST);
    same(Number.isInteger(body['expires_in']) && Number(body['expires_in']) > 0, true, REQUEST);
  });

  it('are exchanged for the user’s ID by anybody, more than once', async () => {
    const user = await server.user();
    const token = text(await request(user), 'access_token');
    for (let i = 0; i < 2; i++)
      same(expectOk(await exchange(token), EXCHANGE), { sub: user.userId }, EXCHANGE);
  });

  it('are others each time', async () => {
    const user = await server.user();
    const tokens = [await request(user), await request(user)].map((body) => body['access_token']);
    same(new Set(tokens).size, 2, REQUEST);
  });

  it('are no access tokens, and access tokens are none of them', async () => {
    const user = await server.user();
    const token = text(await request(user), 'access_token');
    const asked = await server.http.ask('GET', path('account', 'whoami'), { token });
    expectError(asked, 401, 'M_UNKNOWN_TOKEN', `${REQUEST}: only valid for the OpenID API`);
    const again = path('user', user.userId, 'openid', 'request_token');
    const second = await server.http.ask('POST', again, { token, json: {} });
    expectError(second, 401, 'M_UNKNOWN_TOKEN', `${REQUEST}: not for another OpenID access token`);
    expectError(await exchange(user.token), 401, 'M_UNKNOWN_TOKEN', `${EXCHANGE}, 401`);
  });

  it('that are not known get 401 M_UNKNOWN_TOKEN, and none at all 401', async () => {
    expectError(await exchange('SomeT0kenHere'), 401, 'M_UNKNOWN_TOKEN', `${EXCHANGE}, 401`);
    const none = await server.http.ask('GET', '/_matrix/federation/v1/openid/userinfo');
    expectError(none, 401, ['M_MISSING_TOKEN', 'M_UNKNOWN_TOKEN'], EXCHANGE);
  });

  it('are only for oneself, and not for strangers', async () => {
    const [user, other] = [await server.user(), await server.user()];
    const where = path('user', other.userId, 'openid', 'request_token');
    expectError(await user.ask('POST', where, { json: {} }), 403, 'M_FORBIDDEN', REQUEST);
    expectError(await server.http.ask('POST', where, { json: {} }), 401, 'M_MISSING_TOKEN', REQUEST);
  });

  it('of an account that was locked since are worth nothing', async () => {
    const [root, user] = [await admin(server.http), await server.user()];
    const token = text(await request(user), 'access_token');
    const lock = `/_matrix/client/v1/admin/lock/${encodeURIComponent(user.userId)}`;
    expectOk(await root.ask('PUT', lock, { json: { locked: true } }), 'CS API, PUT /admin/lock');
    for (let tries = 0; tries < 100; tries++) {
      if ((await exchange(token)).status === 401) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expectError(await exchange(token), 401, 'M_UNKNOWN_TOKEN', EXCHANGE);
  });
});
