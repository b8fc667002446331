import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { capabilities } from '../../../src/log/capabilities.ts';
import type { EventLog, ReadPosition, Writer } from '../../../src/log/port.ts';
import type { DeclareCase } from '../case.ts';
import { beginning, failure, keys, readAll, readBetween, record, tail } from '../records.ts';

/** What a reader is promised. */
export function readingCases(declare: DeclareCase): void {
  declare('chunks are read with their closing record or not at all', async ({ log }) => {
    const node = await log.open();
    const one = await node.claim(0);
    const following = tail(node, 'rooms', 0);
    await one.append('rooms', [record('a')]);
    const [open] = await one.append('rooms', [record('large', { part: 'chunk' })]);
    await one.append('rooms', [record('large', { part: 'chunk' })]);
    const bounded = await positionAfterAll(node);
    assert.equal(bounded.offset, open);
    assert.deepEqual(keys(await readAll(node, 'rooms', 0)), ['a']);
    await one.append('rooms', [record('large', { part: 'closing' }), record('b')]);
    await following.until((records) => records.length === 5);
    await one.append('rooms', [record('void', { part: 'chunk' })]);
    const two = await node.claim(0);
    await two.append('rooms', [record('c')]);
    await following.until((records) => records.length === 6);
    await following.stop();
    const expected = ['a', 'large', 'large', 'large', 'b', 'c'];
    assert.deepEqual(keys(following.records), expected);
    assert.deepEqual(keys(await readAll(await log.open(), 'rooms', 0, beginning, 2)), expected);
  });

  declare('reading goes on from any position as if it had never stopped', async ({ log, harness }) => {
    const node = await log.open();
    const steps = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('claim' as const), count: fc.constant(0) }) },
        {
          weight: 2,
          arbitrary: fc.record({ do: fc.constant('chunk' as const), count: fc.integer({ min: 1, max: 3 }) }),
        },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), count: fc.constant(1) }) },
      ),
      { minLength: 5, maxLength: 15 },
    );
    let slot = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 7 }), async (history, batchSize) => {
        slot = (slot + 1) % harness.slots;
        const from = await positionAfterAll(node, slot);
        let writer = await node.claim(slot);
        for (const [index, step] of history.entries()) writer = await play(node, writer, step, index);
        const whole = await readAll(node, 'rooms', slot, from);
        const positions: { seen: number; next: ReadPosition }[] = [{ seen: 0, next: from }];
        const to = await node.end('rooms', slot);
        let seen = 0;
        for await (const batch of node.read('rooms', slot, { from, to, batchSize })) {
          seen += batch.records.length;
          positions.push({ seen, next: batch.next });
        }
        assert.equal(seen, whole.length);
        for (const position of positions) {
          const rest = await readAll(node, 'rooms', slot, position.next);
          assert.deepEqual(rest, whole.slice(position.seen));
        }
      }),
      { numRuns: 12 },
    );
  });

  declare(
    'a bounded read ends at its bound or at the end, whichever comes first, and never waits',
    async ({ log }) => {
      const node = await log.open();
      const writer = await node.claim(0);
      const offsets = await writer.append('rooms', [record('a'), record('b'), record('c')]);
      const bound = offsets[1] ?? 0;
      assert.deepEqual(keys(await readBetween(node, 'rooms', 0, beginning, bound)), ['a']);
      assert.deepEqual(keys(await readBetween(node, 'rooms', 0, beginning, bound + 1_000)), ['a', 'b', 'c']);
      assert.deepEqual(await readBetween(node, 'users', 1, beginning, 1_000), []);
      assert.deepEqual(
        await readBetween(node, 'rooms', 0, { offset: bound + 500, epoch: 0 }, bound + 600),
        [],
      );
    },
  );

  declare(
    'a tailing reader is woken at once by its own node and by others',
    async ({ log, harness, test }) => {
      const [one, two] = [await log.open(), await log.open()];
      const near = tail(one, 'inbox', 0);
      const far = tail(two, 'inbox', 0);
      const late = { near: [] as number[], far: [] as number[] };
      // Connections and first fetches are not what is measured.
      await one.publish('inbox', 0, [record('warm')]);
      await Promise.all([near, far].map((each) => each.until((records) => records.length === 1)));
      for (let round = 0; round < 40; round++) {
        await one.publish('inbox', 0, [record(`${round}`)]);
        const start = performance.now();
        const took = async (reader: typeof near) => {
          await reader.until((records) => records.at(-1)?.key === `${round}`);
          return performance.now() - start;
        };
        const [a, b] = await Promise.all([took(near), took(far)]);
        late.near.push(a);
        late.far.push(b);
        await sleep(round % 5);
      }
      await Promise.all([near.stop(), far.stop()]);
      const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
      test.diagnostic(
        `woken after ${median(late.near).toFixed(2)} ms near, ${median(late.far).toFixed(2)} ms far`,
      );
      assert.ok(median(late.near) < harness.tailMs);
      assert.ok(median(late.far) < harness.tailMs);
    },
  );

  declare(
    'many nodes that publish at once leave every reader with each record once, in one order',
    async ({ log }) => {
      const nodes = await Promise.all([log.open(), log.open(), log.open()]);
      const readers = nodes.map((node) => tail(node, 'to_device', 1));
      const count = 60;
      const work = nodes.flatMap((node, number) =>
        Array.from({ length: count }, (_, index) =>
          node.publish('to_device', 1, [record(`${number}/${index}/a`), record(`${number}/${index}/b`)]),
        ),
      );
      const offsets = (await Promise.all(work)).flat();
      assert.equal(new Set(offsets).size, nodes.length * count * 2);
      const node = await log.open();
      const stored = await readAll(node, 'to_device', 1);
      assert.equal(stored.length, offsets.length);
      for (const reader of readers) {
        await reader.until((records) => records.length >= offsets.length);
        await reader.stop();
        assert.deepEqual(
          reader.records.map((each) => each.offset),
          stored.map((each) => each.offset),
        );
      }
      // An append's records stand together.
      for (const [index, each] of stored.entries()) {
        if (each.key.endsWith('/a')) assert.equal(stored[index + 1]?.key, each.key.replace('/a', '/b'));
      }
    },
  );

  declare('a slow commit never lets a reader skip a record', async ({ log, test }) => {
    if (log.stall === undefined)
      return test.skip('the server shows nothing before it has its place for good');
    const [one, two] = [await log.open(), await log.open()];
    const following = tail(one, 'inbox', 2);
    await one.publish('inbox', 2, [record('first')]);
    const slow = await log.stall('inbox', 2, [record('slow 1'), record('slow 2')]);
    const quick = Promise.all([one, two].map((node) => node.publish('inbox', 2, [record('quick')])));
    const elsewhere = await two.publish('inbox', 1, [record('elsewhere')]);
    assert.equal(elsewhere.length, 1);
    await sleep(300);
    const early = keys(following.records);
    const bounded = keys(await readAll(two, 'inbox', 2));
    await slow.commit();
    await quick;
    await following.until((records) => records.length === 5);
    await following.stop();
    assert.deepEqual(early, ['first']);
    assert.deepEqual(bounded, ['first']);
    assert.deepEqual(keys(following.records), ['first', 'slow 1', 'slow 2', 'quick', 'quick']);
  });

  declare('a reader stops when its signal aborts or its log is closed, waiting or not', async ({ log }) => {
    const node = await log.open();
    await node.publish('inbox', 0, [record('a')]);
    const waiting = tail(node, 'inbox', 0);
    await waiting.until((records) => records.length === 1);
    await waiting.stop();
    const closing = tail(node, 'inbox', 0);
    await closing.until((records) => records.length === 1);
    await node.close();
    assert.equal(await failure(() => closing.stop()), undefined);
  });

  declare(
    'every node sees the same generation and slots, and another log has another generation',
    async ({ log, harness }) => {
      const [one, two] = [await log.open(), await log.open()];
      await using other = await harness.fresh();
      assert.equal(one.generation, two.generation);
      assert.notEqual((await other.open()).generation, one.generation);
      assert.match(one.generation, /^[A-Za-z0-9_-]{6,}$/);
      assert.equal(two.slots, harness.slots);
      assert.ok(capabilities[one.adapter].built);
    },
  );
}

type Step = { readonly do: 'append' | 'claim' | 'chunk' | 'close'; readonly count: number };

/** Plays one step of a random history. Facts in parts have one key, so some are closed and others broken off. */
async function play(node: EventLog, writer: Writer, step: Step, index: number): Promise<Writer> {
  if (step.do === 'claim') return node.claim(writer.slot);
  const records = Array.from({ length: step.count }, (_, number) => {
    if (step.do === 'append') return record(`${index}/${number}`);
    return record('large', {
      part: step.do === 'chunk' ? 'chunk' : 'closing',
      value: Buffer.from(`${index}/${number}`),
    });
  });
  await writer.append('rooms', records);
  return writer;
}

/** Where a reader stands that has read all there is. */
async function positionAfterAll(node: EventLog, slot = 0): Promise<ReadPosition> {
  let next = beginning;
  const to = await node.end('rooms', slot);
  for await (const batch of node.read('rooms', slot, { from: next, to })) next = batch.next;
  return next;
}
