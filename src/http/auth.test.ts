import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createRoom, failures, register, type TestHouse, testHouse } from './house.fixture.ts';

after(() => assert.deepEqual(failures, []));

const whoami = '/_matrix/client/v3/account/whoami';

async function errcode(house: TestHouse, token: string | undefined): Promise<string> {
  const { json } = await house.ask('GET', whoami, token === undefined ? {} : { token });
  return json.errcode;
}

describe('access tokens', () => {
  it('are taken from the header and, as the spec still allows, from the query', async () => {
    const house = await testHouse();
    const { id, token } = await register(house, 'alice');
    assert.equal((await house.ask('GET', whoami, { token })).json.user_id, id);
    assert.equal((await house.ask('GET', `${whoami}?access_token=${token}`)).json.user_id, id);
    const headers = { authorization: `bearer ${token}` };
    assert.equal((await house.ask('GET', whoami, { headers })).json.user_id, id);
  });

  it('are asked for, and refused when they are not known, without a soft logout', async () => {
    const house = await testHouse();
    assert.equal(await errcode(house, undefined), 'M_MISSING_TOKEN');
    const { status, json } = await house.ask('GET', whoami, { token: 'mln_nonsense' });
    assert.deepEqual([status, json.errcode, json.soft_logout], [401, 'M_UNKNOWN_TOKEN', false]);
  });

  it('are looked up before the body is read', async () => {
    const house = await testHouse();
    const { status, json } = await house.ask('POST', '/_matrix/client/v3/createRoom', { raw: '{nonsense' });
    assert.deepEqual([status, json.errcode], [401, 'M_MISSING_TOKEN']);
  });

  it('end with a logout', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    assert.equal((await alice.ask('POST', '/logout')).status, 200);
    assert.equal(await errcode(house, alice.token), 'M_UNKNOWN_TOKEN');
  });

  it('end at once when the log’s tail says so, though the model still has them', async () => {
    const stale: { held: boolean } = { held: false };
    const house = await testHouse(
      {},
      {
        gate: {
          reached: async () => true,
          // The model cannot catch up in time: it must not be believed.
          caughtUp: async () => !stale.held,
        },
      },
    );
    const alice = await register(house, 'alice');
    stale.held = true;
    house.auth.invalidate(alice.id, [alice.device]);
    const { status } = await house.ask('GET', whoami, { token: alice.token });
    assert.equal(status, 503);
  });

  it('of other devices go on when one is revoked', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const body = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'alice' },
      password: 'password of alice',
    };
    const other: string = (await house.ask('POST', house.client('/login'), { body })).json.access_token;
    await alice.ask('POST', '/logout');
    assert.equal((await house.ask('GET', whoami, { token: other })).status, 200);
  });

  it('made at another node are found once the model has caught up', async () => {
    let behind = true;
    const first = await testHouse();
    const alice = await register(first, 'alice');
    const { reads } = first.deps;
    const session = async (hash: string) => (behind ? undefined : reads.accounts.session(hash));
    const second = await testHouse(
      {},
      {
        reads: { ...reads, accounts: { ...reads.accounts, session } },
        gate: {
          reached: async () => true,
          caughtUp: async () => {
            behind = false;
            return true;
          },
        },
      },
    );
    assert.equal((await second.ask('GET', whoami, { token: alice.token })).json.user_id, alice.id);
  });

  it('are never kept in clear: neither the log nor its records have them', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    await createRoom(alice);
    const text = JSON.stringify(house.log.records);
    assert.ok(!text.includes(alice.token));
    assert.ok(!text.includes('password of alice'));
  });
});
