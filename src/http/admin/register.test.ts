import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { failures, type TestHouse, testHouse } from '../house.fixture.ts';

after(() => assert.deepEqual(failures, []));

const PATH = '/_synapse/admin/v1/register';

async function nonceOf(house: TestHouse): Promise<string> {
  return (await house.ask('GET', PATH)).json.nonce;
}

function mac(...parts: readonly string[]): string {
  return createHmac('sha1', 'shared secret').update(parts.join('\0')).digest('hex');
}

describe('registration with the shared secret', () => {
  it('makes an administrator whose token works, while registration is closed', async () => {
    const house = await testHouse({ registration: 'closed' });
    const nonce = await nonceOf(house);
    const account = { nonce, username: 'root', displayname: 'Root', password: 'p', admin: true };
    const body = { ...account, mac: mac(nonce, 'root', 'p', 'admin') };
    const { status, json } = await house.ask('POST', PATH, { body });
    assert.equal(status, 200);
    assert.deepEqual([json.user_id, json.home_server], ['@root:test.example', 'test.example']);
    const whoami = await house.ask('GET', house.client('/account/whoami'), { token: json.access_token });
    assert.equal(whoami.json.device_id, json.device_id);
    const profile = await house.ask('GET', house.client('/profile/@root:test.example'));
    assert.deepEqual(profile.json, { displayname: 'Root' });
    assert.equal((await house.deps.reads.accounts.account(json.user_id))?.admin, true);
  });

  it('covers the user type where one is given', async () => {
    const house = await testHouse();
    const nonce = await nonceOf(house);
    const account = { nonce, username: 'bot', password: 'p', user_type: 'bot' };
    const body = { ...account, mac: mac(nonce, 'bot', 'p', 'notadmin', 'bot') };
    assert.equal((await house.ask('POST', PATH, { body })).status, 200);
  });

  it('refuses a wrong MAC, and a nonce that is unknown or was used', async () => {
    const house = await testHouse();
    const nonce = await nonceOf(house);
    const account = { nonce, username: 'eve', password: 'p' };
    const asAdmin = { ...account, admin: true, mac: mac(nonce, 'eve', 'p', 'notadmin') };
    assert.equal((await house.ask('POST', PATH, { body: asAdmin })).json.errcode, 'M_FORBIDDEN');
    const right = { ...account, mac: mac(nonce, 'eve', 'p', 'notadmin') };
    assert.equal((await house.ask('POST', PATH, { body: right })).json.errcode, 'M_INVALID_PARAM');
    const other = { ...right, nonce: 'made up', mac: mac('made up', 'eve', 'p', 'notadmin') };
    assert.equal((await house.ask('POST', PATH, { body: other })).json.errcode, 'M_INVALID_PARAM');
    assert.equal(house.log.records.length, 0);
  });

  it('is not there when no secret is set', async () => {
    const house = await testHouse({ registrationSharedSecret: undefined });
    for (const method of ['GET', 'POST'] as const) {
      const { status, json } = await house.ask(method, PATH, { body: {} });
      assert.deepEqual([status, json.errcode], [404, 'M_UNRECOGNIZED']);
    }
  });
});
