import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { failures, register, type TestHouse, type TestUser, testHouse } from './house.fixture.ts';
import { isOpenToSuspended, OPEN_TO_SUSPENDED } from './suspension.ts';

after(() => assert.deepEqual(failures, []));

/** The access token of an administrator. */
async function adminToken(house: TestHouse): Promise<string> {
  const path = '/_synapse/admin/v1/register';
  const { nonce } = (await house.ask('GET', path)).json;
  const mac = createHmac('sha1', 'shared secret').update([nonce, 'root', 'p', 'admin'].join('\0'));
  const body = { nonce, username: 'root', password: 'p', admin: true, mac: mac.digest('hex') };
  return (await house.ask('POST', path, { body })).json.access_token;
}

async function restrict(house: TestHouse, user: TestUser, what: 'lock' | 'suspend'): Promise<void> {
  const body = what === 'lock' ? { locked: true } : { suspended: true };
  const url = `/_matrix/client/v1/admin/${what}/${user.id}`;
  const { status, text } = await house.ask('PUT', url, { token: await adminToken(house), body });
  assert.equal(status, 200, text);
}

/** Every route of users, with something in the place of its parameters. */
function userRoutes(house: TestHouse) {
  return house.routes
    .filter(({ config }) => config?.auth === 'user')
    .map(({ method, url }) => ({
      method: String(method) as 'GET' | 'POST' | 'PUT' | 'DELETE', // The app has no other routes.
      url,
      asked: url.replaceAll(/:\w+|\*/g, 'x'),
    }));
}

describe('a suspended user', () => {
  it('is refused on every route that changes something and does not stand in the table', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    await restrict(house, alice, 'suspend');
    const closed = userRoutes(house).filter(({ method, url }) => !isOpenToSuspended(method, url));
    assert.ok(closed.length > 20, `${closed.length} routes`);
    for (const { method, url, asked } of closed) {
      const { status, json } = await house.ask(method, asked, { token: alice.token });
      assert.deepEqual([status, json.errcode], [403, 'M_USER_SUSPENDED'], `${method} ${url}`);
    }
  });

  it('may read everything, and use what stands in the table', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    await restrict(house, alice, 'suspend');
    const open = userRoutes(house).filter(({ method, url }) => isOpenToSuspended(method, url));
    // Logging out last: it ends what the others are asked with.
    open.sort((one, other) => Number(one.url.includes('logout')) - Number(other.url.includes('logout')));
    assert.ok(open.some(({ method }) => method === 'POST'));
    for (const { method, url, asked } of open) {
      const { json } = await house.ask(method, asked, { token: alice.token, body: {} });
      assert.notEqual(json?.errcode, 'M_USER_SUSPENDED', `${method} ${url}`);
      if (url.endsWith('/logout')) break;
    }
  });

  it('finds no endpoint open by its old name that is closed by its new one', () => {
    for (const entry of OPEN_TO_SUSPENDED) {
      const [method = '', path = ''] = entry.split(' ');
      for (const version of ['v1', 'v3', 'r0']) {
        assert.ok(isOpenToSuspended(method, `/_matrix/client/${version}${path}`), entry);
      }
    }
    assert.equal(isOpenToSuspended('POST', '/_matrix/client/v3/createRoom'), false);
    assert.equal(isOpenToSuspended('POST', '/elsewhere/_matrix/client/v3/logout'), false);
  });
});

describe('a locked user', () => {
  it('is refused on every route but logging out, with a soft logout', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    await restrict(house, alice, 'lock');
    const routes = userRoutes(house).filter(({ url }) => !/\/logout(\/all)?$/.test(url));
    for (const { method, url, asked } of routes) {
      const { status, json } = await house.ask(method, asked, { token: alice.token });
      const seen = [status, json.errcode, json.soft_logout];
      assert.deepEqual(seen, [401, 'M_USER_LOCKED', true], `${method} ${url}`);
    }
    assert.equal((await alice.ask('POST', '/logout')).status, 200);
  });
});
