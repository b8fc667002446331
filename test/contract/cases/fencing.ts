import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeclareCase } from '../case.ts';
import { startOwner } from '../owner-process.ts';
import { codeOf, keys, readAll, readToClaim, record, tail } from '../records.ts';

/** What a claim promises. */
export function fencingCases(declare: DeclareCase): void {
  declare('a claim fences the writer before it, on every topic of the slot', async ({ log }) => {
    const [one, two] = [await log.open(), await log.open()];
    const before = await one.claim(0);
    const other = await one.claim(1);
    await before.append('rooms', [record('a')]);
    const after = await two.claim(0);
    assert.ok(after.epoch > before.epoch);
    for (const topic of ['rooms', 'users', 'user_values', 'server', 'content_keys'] as const) {
      assert.equal(await codeOf(() => before.append(topic, [record('late')])), 'FENCED');
      await after.append(topic, [record('b')]);
    }
    assert.equal(await codeOf(() => before.append('rooms', [record('later')])), 'FENCED');
    await other.append('rooms', [record('c')]);
    assert.deepEqual(keys(await readAll(two, 'rooms', 0)), ['a', 'b']);
    assert.deepEqual(keys(await readAll(one, 'server', 0)), ['b']);
    assert.deepEqual(keys(await readAll(one, 'rooms', 1)), ['c']);
  });

  declare(
    'of claims that race, the one with the highest epoch holds and all others are fenced',
    async ({ log }) => {
      const nodes = await Promise.all([log.open(), log.open(), log.open()]);
      const writers = await Promise.all([...nodes, ...nodes, ...nodes].map((node) => node.claim(2)));
      const epochs = writers.map((writer) => writer.epoch);
      assert.equal(new Set(epochs).size, writers.length);
      const results = await Promise.all(
        writers.map((writer) => codeOf(() => writer.append('rooms', [record(`of ${writer.epoch}`)]))),
      );
      const highest = Math.max(...epochs);
      for (const [index, writer] of writers.entries()) {
        assert.equal(results[index], writer.epoch === highest ? undefined : 'FENCED');
      }
      assert.deepEqual(keys(await readAll(await log.open(), 'rooms', 2)), [`of ${highest}`]);
    },
  );

  declare(
    'an owner suspended in mid-work wakes after a takeover fenced, and nothing it then writes is read',
    async ({ log, harness }) => {
      const node = await log.open();
      const following = tail(node, 'rooms', 0);
      await using owner = await startOwner(log.recipe, { slot: 0, prefix: 'asleep' });
      await owner.acknowledged(20);
      owner.signal('SIGSTOP');
      await sleep(harness.asleepMs);
      const writer = await node.claim(0);
      await writer.append('rooms', [record('awake 1'), record('awake 2')]);
      owner.signal('SIGCONT');
      assert.equal(await owner.ended(), 'FENCED');
      await writer.append('rooms', [record('awake 3')]);
      await following.until((records) => records.some((each) => each.key === 'awake 3'));
      await following.stop();
      const read = await readAll(await log.open(), 'rooms', 0);
      assert.deepEqual(keys(read), keys(following.records));
      const its = read.filter((each) => each.key.startsWith('asleep'));
      assert.ok(its.every((each) => each.offset < writer.epoch));
      // All that it was told of is there, once and in order; at most the one under way stands behind.
      const expected = Array.from({ length: its.length }, (_, index) => `asleep ${index}`);
      assert.deepEqual(keys(its), expected);
      assert.ok(its.length - owner.acknowledgements().length <= 1);
      assert.deepEqual(keys(read.slice(its.length)), ['awake 1', 'awake 2', 'awake 3']);
    },
  );

  declare(
    'an append whose acknowledgement is lost is indefinite, and after a new claim it is there once',
    async ({ log }) => {
      const { log: node, loseReplyTo } = await log.proxied();
      const writer = await node.claim(0);
      await writer.append('rooms', [record('before')]);
      const lost = loseReplyTo('swallowed');
      assert.equal(
        await codeOf(() => writer.append('rooms', [record('swallowed'), record('too')])),
        'INDEFINITE',
      );
      await lost;
      const again = await node.claim(0);
      assert.deepEqual(keys(await readToClaim(node, 0, again.epoch)), ['before', 'swallowed', 'too']);
      assert.notEqual(await codeOf(() => writer.append('rooms', [record('swallowed')])), undefined);
      await again.append('rooms', [record('after')]);
      const read = await readAll(await log.open(), 'rooms', 0);
      assert.deepEqual(keys(read), ['before', 'swallowed', 'too', 'after']);
    },
  );

  declare(
    'an append that never reached the log is indefinite too, and after a new claim it is not there',
    async ({ log }) => {
      const { log: node, loseRequest } = await log.proxied();
      const writer = await node.claim(0);
      const lost = loseRequest('dropped');
      assert.equal(await codeOf(() => writer.append('rooms', [record('dropped')])), 'INDEFINITE');
      await lost;
      const again = await node.claim(0);
      assert.deepEqual(await readToClaim(node, 0, again.epoch), []);
      await again.append('rooms', [record('dropped')]);
      assert.deepEqual(keys(await readAll(await log.open(), 'rooms', 0)), ['dropped']);
    },
  );

  declare(
    'everything acknowledged before a kill -9 is there, and the next claim can be made at once',
    async ({ log }) => {
      await using owner = await startOwner(log.recipe, { slot: 3, prefix: 'killed' });
      await owner.acknowledged(50);
      owner.signal('SIGKILL');
      const acknowledged = owner.acknowledgements();
      const node = await log.open();
      const writer = await node.claim(3);
      const found = await readToClaim(node, 3, writer.epoch);
      const offsets = new Map(found.map((each) => [each.key, each.offset]));
      assert.equal(offsets.size, found.length);
      for (const { key, offset } of acknowledged) assert.equal(offsets.get(key), offset);
    },
  );
}
