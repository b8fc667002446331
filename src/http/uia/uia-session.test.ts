import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemorySessions } from '../../sessions/memory-sessions.fixture.ts';
import { UiaSessions } from './uia-session.ts';

const ABOUT = { operation: 'POST /register', user: null, flows: [], parameters: '{"password":"new secret"}' };
const RESULT = '{"access_token":"the token"}';

async function house() {
  const clock = { now: 1_000 };
  const store = new MemorySessions(() => clock.now);
  const sessions = new UiaSessions({ sessions: store, random: (bytes) => new Uint8Array(bytes).fill(7) });
  const session = sessions.begin(ABOUT);
  await sessions.keep(session);
  return { clock, store, sessions, session };
}

describe('a completed session of the UIA', () => {
  it('is performed by one of those who claim it; the others see that, and then the result', async () => {
    const { sessions, session } = await house();
    const claims = await Promise.all([1, 2, 3].map(() => sessions.claim(session.id, '{}')));
    assert.deepEqual(
      claims.map((claim) => claim?.performs),
      [true, false, false],
    );
    await sessions.finish(session, '{}', RESULT);
    const later = await sessions.claim(session.id, '{}');
    assert.deepEqual([later?.performs, later?.session.end], [false, { asked: '{}', result: RESULT }]);
  });

  it('keeps its result for a while, and a claim whose node died for less', async () => {
    const { clock, sessions, session } = await house();
    await sessions.claim(session.id, '{}');
    clock.now += 60_000;
    assert.equal(await sessions.find(session.id), undefined);
    await sessions.finish(session, '{}', RESULT);
    clock.now += 119_999;
    assert.equal((await sessions.find(session.id))?.session.end?.result, RESULT);
    clock.now += 1;
    assert.equal(await sessions.find(session.id), undefined);
  });

  it('is not kept for longer by a stage that comes again', async () => {
    const { clock, sessions, session } = await house();
    await sessions.finish(session, '{}', RESULT);
    await sessions.change(session.id, (same) => same);
    clock.now += 120_000;
    assert.equal(await sessions.find(session.id), undefined);
  });

  it('has neither its ID, nor the parameters, nor the result in clear in the store', async () => {
    const { store, sessions, session } = await house();
    await sessions.finish(session, '{"password":"new secret"}', RESULT);
    const kept = JSON.stringify([...(await store.list('uia', ''))]);
    for (const secret of [session.id, 'new secret', 'the token', 'access_token']) {
      assert.equal(kept.includes(secret), false, secret);
    }
    assert.equal(kept.includes('POST /register'), true);
  });
});
