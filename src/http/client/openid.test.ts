import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { MemorySessions } from '../../sessions/memory-sessions.fixture.ts';
import { tokenHash } from '../access-token.ts';
import { failures, register, testHouse } from '../house.fixture.ts';

after(() => assert.deepEqual(failures, []));

const userinfo = (token: string) => `/_matrix/federation/v1/openid/userinfo?access_token=${token}`;

describe('an OpenID token', () => {
  it('is good for as long as it says, and then no more', async () => {
    const clock = { now: 1_000_000 };
    const house = await testHouse({}, { sessions: new MemorySessions(() => clock.now) });
    const alice = await register(house, 'alice');
    const { json } = await alice.ask('POST', `/user/${alice.id}/openid/request_token`, {});
    clock.now += json.expires_in * 1_000 - 1;
    assert.deepEqual((await house.ask('GET', userinfo(json.access_token))).json, { sub: alice.id });
    clock.now += 1;
    const over = await house.ask('GET', userinfo(json.access_token));
    assert.deepEqual([over.status, over.json.errcode], [401, 'M_UNKNOWN_TOKEN']);
  });

  it('is kept as a hash', async () => {
    const sessions = new MemorySessions();
    const house = await testHouse({}, { sessions });
    const alice = await register(house, 'alice');
    const { json } = await alice.ask('POST', `/user/${alice.id}/openid/request_token`, {});
    const kept = await sessions.list('openid', '');
    assert.deepEqual([...kept], [[tokenHash(json.access_token), alice.id]]);
  });
});
