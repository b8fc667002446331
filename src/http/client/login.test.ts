import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { failures, register, type TestHouse, testHouse } from '../house.fixture.ts';

after(() => assert.deepEqual(failures, []));

function login(house: TestHouse, body: object) {
  return house.ask('POST', house.client('/login'), { body });
}

const byName = (user: string, password: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
});

describe('registration', () => {
  const path = '/_matrix/client/v3/register';
  const dummy = { type: 'm.login.dummy' };

  it('succeeds in one request without a session, and the new token works', async () => {
    const house = await testHouse();
    const body = { username: 'alice', password: 'p', device_id: 'PHONE', auth: dummy };
    const { status, json } = await house.ask('POST', path, { body });
    assert.equal(status, 200);
    assert.deepEqual([json.user_id, json.device_id], ['@alice:test.example', 'PHONE']);
    const whoami = await house.ask('GET', house.client('/account/whoami'), { token: json.access_token });
    assert.deepEqual(whoami.json, { user_id: '@alice:test.example', device_id: 'PHONE', is_guest: false });
  });

  it('tells a client that sends no auth what to do, and takes its second try', async () => {
    const house = await testHouse();
    const first = await house.ask('POST', path, { body: { username: 'alice', password: 'p' } });
    assert.equal(first.status, 401);
    assert.deepEqual(first.json.flows, [{ stages: ['m.login.dummy'] }]);
    assert.equal(house.log.records.length, 0);
    const auth = { ...dummy, session: first.json.session };
    const second = await house.ask('POST', path, { body: { username: 'alice', password: 'p', auth } });
    assert.equal(second.status, 200);
  });

  it('makes a name where none is given, and no device where none is wanted', async () => {
    const house = await testHouse();
    const body = { password: 'p', auth: dummy, inhibit_login: true };
    const { json } = await house.ask('POST', path, { body });
    assert.match(json.user_id, /^@[0-9a-f]{16}:test\.example$/);
    assert.deepEqual(Object.keys(json), ['user_id']);
  });

  it('refuses taken and invalid names, weak passwords, guests, and everybody when closed', async () => {
    const house = await testHouse();
    await register(house, 'alice');
    const refused = async (body: object, query = '') => {
      const reply = await house.ask('POST', path + query, { body: { password: 'p', auth: dummy, ...body } });
      return [reply.status, reply.json.errcode];
    };
    assert.deepEqual(await refused({ username: 'alice' }), [400, 'M_USER_IN_USE']);
    assert.deepEqual(await refused({ username: 'Alice' }), [400, 'M_INVALID_USERNAME']);
    assert.deepEqual(await refused({ username: 'a'.repeat(300) }), [400, 'M_INVALID_USERNAME']);
    assert.deepEqual(await refused({ username: 'bob', password: '' }), [400, 'M_WEAK_PASSWORD']);
    const noGuests = await testHouse({ guests: false });
    const guest = await noGuests.ask('POST', `${noGuests.client('/register')}?kind=guest`, { body: {} });
    assert.deepEqual([guest.status, guest.json.errcode], [403, 'M_GUEST_ACCESS_FORBIDDEN']);
    assert.deepEqual(await refused({}, '?kind=king'), [400, 'M_INVALID_PARAM']);
    const closed = await testHouse({ registration: 'closed' });
    assert.equal((await closed.ask('POST', path, { body: { auth: dummy } })).json.errcode, 'M_FORBIDDEN');
  });

  it('says whether a name is free', async () => {
    const house = await testHouse();
    await register(house, 'alice');
    const available = (name: string) => house.ask('GET', `${path}/available?username=${name}`);
    assert.deepEqual((await available('bob')).json, { available: true });
    assert.equal((await available('alice')).json.errcode, 'M_USER_IN_USE');
    assert.equal((await available('A')).json.errcode, 'M_INVALID_USERNAME');
    assert.equal((await house.ask('GET', `${path}/available`)).json.errcode, 'M_MISSING_PARAM');
  });
});

describe('login', () => {
  it('says how', async () => {
    const house = await testHouse();
    const { json } = await house.ask('GET', house.client('/login'));
    const token = { type: 'm.login.token', get_login_token: true };
    assert.deepEqual(json, { flows: [{ type: 'm.login.password' }, token] });
  });

  it('takes a name, a whole user ID, and the old form without an identifier', async () => {
    const house = await testHouse();
    const { id } = await register(house, 'alice');
    const password = 'password of alice';
    for (const body of [
      byName('alice', password),
      byName(id, password),
      { type: 'm.login.password', user: 'alice', password },
    ]) {
      const { status, json } = await login(house, body);
      assert.deepEqual([status, json.user_id], [200, id]);
    }
  });

  it('refuses a wrong password and an unknown user in the same words', async () => {
    const house = await testHouse();
    await register(house, 'alice');
    const wrong = await login(house, byName('alice', 'wrong'));
    assert.deepEqual([wrong.status, wrong.json.errcode], [403, 'M_FORBIDDEN']);
    for (const user of ['nobody', '@alice:elsewhere.example', '@@', '']) {
      assert.deepEqual((await login(house, byName(user, 'wrong'))).json, wrong.json, user);
    }
  });

  it('refuses what it does not know', async () => {
    const house = await testHouse();
    const errcode = async (body: object) => (await login(house, body)).json.errcode;
    assert.equal(await errcode({ type: 'm.login.sso', token: 'x' }), 'M_UNKNOWN');
    assert.equal(await errcode({ type: 'm.login.token', token: 'x' }), 'M_FORBIDDEN');
    assert.equal(await errcode({ type: 'm.login.password', password: 'p' }), 'M_MISSING_PARAM');
    assert.equal(await errcode({ identifier: { type: 'm.id.user', user: 'alice' } }), 'M_MISSING_PARAM');
    const thirdParty = { type: 'm.id.thirdparty', medium: 'email', address: 'a@b' };
    assert.equal(
      await errcode({ type: 'm.login.password', password: 'p', identifier: thirdParty }),
      'M_FORBIDDEN',
    );
  });

  it('on a device that exists ends the token that it had', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const body = { ...byName('alice', 'password of alice'), device_id: alice.device };
    const { json } = await login(house, body);
    assert.equal(json.device_id, alice.device);
    assert.equal((await alice.ask('GET', '/account/whoami')).json.errcode, 'M_UNKNOWN_TOKEN');
    const whoami = await house.ask('GET', house.client('/account/whoami'), { token: json.access_token });
    assert.equal(whoami.status, 200);
  });

  it('to a deactivated account says so', async () => {
    const house = await testHouse();
    const { id } = await register(house, 'alice');
    const stamp = { id: '0'.repeat(32), at: 1_000 };
    // The account's own ID, as it came from the server.
    const user_id = id as Parameters<typeof house.deps.reads.accounts.account>[0];
    await house.bus.execute({ kind: 'deactivate_user', ...stamp, user_id, erase: false, actor: 'admin' });
    const { status, json } = await login(house, byName('alice', 'password of alice'));
    assert.deepEqual([status, json.errcode], [403, 'M_USER_DEACTIVATED']);
  });
});

describe('logout of all devices', () => {
  it('ends every token of the user and of nobody else', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const { json } = await login(house, byName('alice', 'password of alice'));
    assert.equal((await alice.ask('POST', '/logout/all')).status, 200);
    for (const token of [alice.token, json.access_token]) {
      const { status } = await house.ask('GET', house.client('/account/whoami'), { token });
      assert.equal(status, 401);
    }
    assert.equal((await bob.ask('GET', '/account/whoami')).status, 200);
  });
});
