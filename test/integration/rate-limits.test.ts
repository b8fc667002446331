import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, freshTransaction, path, register } from '../support/client.ts';
import type { Answer, Http } from '../support/http.ts';
import { twoNodes } from '../support/two-nodes.ts';

const BURST = 20;
/** Longer than a node waits before it tells what it has used. */
const TOLD_MS = 1_500;

describe('rate limits of two nodes that serve clients', () => {
  const nodes = twoNodes({
    MILENA_RATE_LIMITS: 'on',
    MILENA_RATE_SEND: `${BURST}/hour`,
    MILENA_RATE_LOGIN_ACCOUNT: '4/hour',
  });

  /** Somebody who sends into a room, by either node. */
  async function sender(): Promise<(node: Http) => Promise<Answer>> {
    const user = await register(nodes.one);
    const roomId = await user.createRoom();
    return (node) =>
      new Client(node, user).ask('PUT', path('rooms', roomId, 'send', 'm.room.message', freshTransaction()), {
        json: { msgtype: 'm.text', body: 'x' },
      });
  }

  it('hold together within the factor that docs/operate.md states, however quickly both are asked', async () => {
    const send = await sender();
    const statuses: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < BURST; i += 1) {
        for (const node of [nodes.one, nodes.two]) statuses.push((await send(node)).status);
      }
      await sleep(TOLD_MS);
    }
    const sent = statuses.filter((status) => status === 200).length;
    assert.deepEqual(new Set(statuses), new Set([200, 429]));
    assert.ok(sent >= BURST && sent <= 2 * 1.25 * BURST, `${sent} of ${BURST} were sent`);
    for (const node of [nodes.one, nodes.two]) {
      const answer = await send(node);
      assert.equal(answer.status, 429, 'both know that all is used up');
      assert.ok(Number(answer.headers['retry-after']) > 0);
    }
  });

  it('let through a quarter of a burst more than one node would, where they can tell each other', async () => {
    const send = await sender();
    const statuses: number[] = [];
    // As many at a time as a node may use before it tells. Two that knew nothing of each other would take 40 of these.
    for (let round = 0; round < 8; round += 1) {
      const node = round % 2 === 0 ? nodes.one : nodes.two;
      for (let i = 0; i < BURST / 4; i += 1) statuses.push((await send(node)).status);
      await sleep(TOLD_MS);
    }
    const sent = statuses.filter((status) => status === 200).length;
    assert.deepEqual(new Set(statuses), new Set([200, 429]));
    assert.ok(sent >= BURST && sent <= 1.25 * BURST, `${sent} of ${BURST} were sent`);
  });

  it('know at one node of guesses that were made at the other', async () => {
    const { one, two } = nodes;
    const user = await register(one);
    const guess = (node: Http) =>
      node.ask('POST', path('login'), {
        json: {
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user: user.userId },
          password: 'wrong',
        },
      });
    for (let i = 0; i < 4; i += 1) assert.equal((await guess(one)).status, 403);
    assert.equal((await guess(one)).status, 429);
    await sleep(TOLD_MS);
    // The other node learns of it with the first guess that it tells of.
    await guess(two);
    await sleep(TOLD_MS);
    assert.equal((await guess(two)).status, 429);
  });
});
