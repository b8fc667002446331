import { describe, it } from 'node:test';
import { admin, WITH_ADMINS } from '../../support/admin.ts';
import { login, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const SECTION = 'CS API, GET /admin/whois/{userId}';
const server = sharedServer({ env: WITH_ADMINS });

describe('GET /admin/whois/{userId}', () => {
  it('tells oneself of one’s devices and where they were seen last', async () => {
    const user = await server.user();
    const second = await login(server.http, user.userId, 'correct horse battery');
    const before = Date.now() - 60_000;
    await second.ask('GET', path('account', 'whoami'), { headers: { 'user-agent': 'a phone of the tests' } });
    const where = path('admin', 'whois', user.userId);
    const body = expectOk(await user.ask('GET', where, { headers: { 'user-agent': 'a desk' } }), SECTION);
    same(body['user_id'], user.userId, SECTION);
    const devices = Object(body['devices']);
    same(Object.keys(devices).sort(), [user.deviceId, second.deviceId].sort(), SECTION);
    for (const [deviceId, agent] of [
      [user.deviceId, 'a desk'],
      [second.deviceId, 'a phone of the tests'],
    ] as const) {
      const [connection] = devices[deviceId].sessions[0].connections;
      same([connection.ip, connection.user_agent], ['127.0.0.1', agent], SECTION);
      check(connection.last_seen > before, SECTION, connection);
    }
  });

  it('tells administrators of anybody', async () => {
    const [root, user] = [await admin(server.http), await server.user()];
    const body = expectOk(await root.ask('GET', path('admin', 'whois', user.userId)), SECTION);
    same(Object.keys(Object(body['devices'])), [user.deviceId], SECTION);
    const nobody = path('admin', 'whois', '@nobody-at-all:localhost');
    expectError(await root.ask('GET', nobody), 404, 'M_NOT_FOUND', SECTION);
  });

  it('tells nobody of others, whether they exist or not', async () => {
    const [user, other] = [await server.user(), await server.user()];
    for (const target of [other.userId, '@nobody-at-all:localhost']) {
      expectError(await user.ask('GET', path('admin', 'whois', target)), 403, 'M_FORBIDDEN', SECTION);
    }
    const none = await server.http.ask('GET', path('admin', 'whois', user.userId));
    expectError(none, 401, 'M_MISSING_TOKEN', SECTION);
  });
});
