import assert from 'node:assert/strict';
import type { DeclareCase } from '../case.ts';
import { codeOf, keys, readAll, record, tail } from '../records.ts';

/** What an append promises. */
export function appendingCases(declare: DeclareCase): void {
  declare('an append of exactly maxAppendBytes is read back whole, in order', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(1);
    const count = 100;
    const size = Math.floor(node.maxAppendBytes / count);
    const records = Array.from({ length: count }, (_, index) => {
      const key = `key-${String(index).padStart(3, '0')}`;
      const rest = index === 0 ? node.maxAppendBytes - size * count : 0;
      return record(key, { value: Buffer.alloc(size - key.length + rest, index) });
    });
    const offsets = await writer.append('rooms', records);
    const read = await readAll(node, 'rooms', 1);
    assert.deepEqual(keys(read), keys(records));
    assert.deepEqual(
      read.map((each) => each.offset),
      offsets,
    );
    for (const [index, each] of read.entries()) assert.ok(records[index]?.value && each.value);
    assert.ok(
      read.every(
        (each, index) =>
          Buffer.compare(each.value ?? Buffer.of(), records[index]?.value ?? Buffer.of()) === 0,
      ),
    );
  });

  declare('an append above maxAppendBytes is refused whole, and the writer goes on', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(0);
    const half = Buffer.alloc(node.maxAppendBytes / 2);
    const large = [record('a', { value: half }), record('b', { value: half })];
    assert.equal(await codeOf(() => writer.append('users', large)), 'APPEND_TOO_LARGE');
    await writer.append('users', [record('c')]);
    assert.deepEqual(keys(await readAll(node, 'users', 0)), ['c']);
  });

  declare(
    'of appends that a broken connection interrupts, all records are there or none',
    async ({ log }) => {
      const { log: node, loseRequest, loseReplyTo } = await log.proxied();
      for (const lose of [loseRequest, loseReplyTo]) {
        const writer = await node.claim(0);
        const records = Array.from({ length: 200 }, (_, index) =>
          record(`${lose.name}-${index}`, { value: Buffer.alloc(2_000, index) }),
        );
        const lost = lose(`${lose.name}-199`);
        assert.notEqual(await codeOf(() => writer.append('rooms', records)), undefined);
        await lost;
        const { epoch } = await node.claim(0);
        const found = (await readAll(node, 'rooms', 0)).filter((each) => each.key.startsWith(lose.name));
        assert.ok(found.length === 0 || found.length === 200, `${found.length} of 200`);
        assert.ok(found.every((each) => each.offset < epoch));
      }
    },
  );

  declare('what a record holds comes back as it was given', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(2);
    const command = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const records = [
      record('!räum\u0000 "quoted" \\ 😀', { command, value: all, origin: 12_345_678_901 }),
      record('', { value: Buffer.alloc(0) }),
      record('x'.repeat(2_000), { type: 'typing', at: 1_700_000_000_001 }),
    ];
    const offsets = await writer.append('user_values', records);
    await writer.append('user_values', [record('gone', { value: null })]);
    const read = await readAll(node, 'user_values', 2);
    assert.equal(read.length, 4);
    for (const [index, given] of records.entries()) {
      const {
        key,
        type,
        at,
        value,
        offset,
        epoch,
        topic,
        partition,
        command: by,
        origin,
        part,
      } = read[index] ?? {};
      assert.deepEqual(
        { key, type, at, topic, partition, epoch, origin, part, offset },
        {
          key: given.key,
          type: given.type,
          at: given.at,
          topic: 'user_values',
          partition: 2,
          epoch: writer.epoch,
          origin: given.origin,
          part: undefined,
          offset: offsets[index],
        },
      );
      assert.deepEqual(value && Buffer.from(value), given.value);
      assert.deepEqual(by && Buffer.from(by), given.command);
    }
    assert.equal(read[3]?.value, null);
  });

  declare('offsets rise strictly, from one append to the next and within each', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(0);
    let last = writer.epoch;
    for (let round = 0; round < 20; round++) {
      for (const offset of await writer.append('rooms', [record('a'), record('b')])) {
        assert.ok(offset > last);
        last = offset;
      }
    }
    assert.ok((await node.end('rooms', 0)) > last);
    assert.equal((await node.ends('rooms'))[0], await node.end('rooms', 0));
  });

  declare('`at` never goes back within a partition, whatever the writers say', async ({ log }) => {
    const node = await log.open();
    const first = await node.claim(0);
    await first.append('rooms', [record('a', { at: 2_000 }), record('b', { at: 1_000 })]);
    const second = await (await log.open()).claim(0);
    await second.append('rooms', [
      record('c', { at: 500 }),
      record('d', { at: 3_000 }),
      record('e', { at: 1 }),
    ]);
    await node.publish('inbox', 0, [record('f', { at: 9_000 })]);
    await (await log.open()).publish('inbox', 0, [record('g', { at: 8_000 })]);
    const times = async (topic: 'rooms' | 'inbox') => (await readAll(node, topic, 0)).map((each) => each.at);
    assert.deepEqual(await times('rooms'), [2_000, 2_000, 2_000, 3_000, 3_000]);
    assert.deepEqual(await times('inbox'), [9_000, 9_000]);
  });

  declare('a tailing reader is given the same `at` as one that comes later', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(0);
    const following = tail(node, 'rooms', 0);
    await writer.append('rooms', [record('a', { at: 5_000 })]);
    await following.until((records) => records.length === 1);
    await writer.append('rooms', [record('b', { at: 4_000 })]);
    await following.until((records) => records.length === 2);
    await following.stop();
    assert.deepEqual(
      following.records.map((each) => each.at),
      [5_000, 5_000],
    );
  });

  declare('a claim does not raise `at`: an imported record keeps its time', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(3);
    await writer.append('server', [record('old', { at: 1_000, origin: 7 })]);
    assert.equal((await readAll(node, 'server', 3))[0]?.at, 1_000);
  });

  declare(
    'a caller that breaks the rules of the port is told, and nothing is written',
    async ({ log, harness }) => {
      const node = await log.open();
      const writer = await node.claim(0);
      const unknown = 'nowhere' as 'rooms';
      assert.equal(await codeOf(() => writer.append('inbox', [record('a')])), 'INTERNAL');
      assert.equal(await codeOf(() => writer.append(unknown, [record('a')])), 'INTERNAL');
      assert.equal(await codeOf(() => node.publish('rooms', 0, [record('a')])), 'INTERNAL');
      assert.equal(await codeOf(() => node.publish('inbox', harness.slots, [record('a')])), 'INTERNAL');
      assert.equal(
        await codeOf(() => node.publish('inbox', 0, [record('a', { part: 'chunk' })])),
        'INTERNAL',
      );
      assert.equal(await codeOf(() => writer.append('rooms', [record('a', { value: null })])), 'INTERNAL');
      assert.equal(await codeOf(async () => node.end('rooms', -1)), 'INTERNAL');
      assert.equal(await codeOf(async () => node.claim(harness.slots)), 'INTERNAL');
      assert.equal(await codeOf(async () => readAll(node, 'rooms', 0.5)), 'INTERNAL');
      await writer.append('rooms', [record('b')]);
      assert.deepEqual(keys(await readAll(node, 'rooms', 0)), ['b']);
      assert.deepEqual(await readAll(node, 'inbox', 0), []);
    },
  );

  declare('a compacted topic keeps the last record of each key, tombstones too', async ({ log }) => {
    const node = await log.open();
    const writer = await node.claim(0);
    const values = (text: string) => ({ value: Buffer.from(text) });
    await writer.append('user_values', [
      record('a', values('1')),
      record('b', values('1')),
      record('c', values('1')),
    ]);
    await writer.append('user_values', [record('a', values('2')), record('b', { value: null })]);
    await writer.append('user_values', [record('c', { part: 'chunk', ...values('2') })]);
    await writer.append('user_values', [record('c', { part: 'closing', ...values('3') })]);
    const again = await node.claim(0);
    await again.append('user_values', [record('d', { part: 'chunk' }), record('a', values('4'))]);
    await node.compact('user_values', 0);
    const left = await readAll(await log.open(), 'user_values', 0);
    const last = new Map(left.map((each) => [each.key, each.value === null ? null : String(each.value)]));
    assert.deepEqual(Object.fromEntries(last), { a: '4', b: null, c: '3' });
    const parts = left.filter((each) => each.key === 'c').map((each) => [each.part, String(each.value)]);
    assert.deepEqual(parts.slice(-2), [
      ['chunk', '2'],
      ['closing', '3'],
    ]);
  });
}
