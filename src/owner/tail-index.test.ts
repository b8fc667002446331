import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMilenaError } from '../errors/milena-error.ts';
import { MemoryLog } from './memory-house.fixture.ts';
import type { OwnedFact, SlotLog } from './slot-log.ts';
import { TailIndex, type TailIndexLimits } from './tail-index.ts';

const ROOMY: TailIndexLimits = { factBytes: 1_000_000, records: 1_000 };

function fact(key: string): OwnedFact {
  return { key, at: 1, type: 'room_forgotten', value: { user_id: '@a:test', membership_event: '$e' } };
}

async function house(limits: TailIndexLimits = ROOMY) {
  const log = new MemoryLog();
  const slot = log.slot(0);
  await slot.claim();
  const index = new TailIndex(slot, 'rooms', limits);
  const append = async (...facts: readonly OwnedFact[]): Promise<readonly number[]> => {
    const offsets = await slot.append('rooms', facts);
    index.appended(facts, offsets);
    return offsets;
  };
  const offsetsOf = async (key: string, from = 0, spread = false): Promise<readonly number[]> =>
    (await index.of(key, spread, { offset: from, epoch: 0 })).map(({ offset }) => offset);
  return { log, slot, index, append, offsetsOf };
}

test('the tail is read once, however many aggregates ask, and what is appended then needs no read', async () => {
  const { log, append, offsetsOf } = await house();
  const [first] = await append(fact('!a'), fact('!b'));
  await Promise.all([offsetsOf('!a'), offsetsOf('!b'), offsetsOf('!c')]);
  const [second] = await append(fact('!a'));
  assert.deepEqual(await offsetsOf('!a'), [first, second]);
  assert.deepEqual(await offsetsOf('!a', (first ?? 0) + 1), [second]);
  assert.equal(log.reads.length, 1);
});

test('what is appended while the tail is read is in it once', async () => {
  const { log, slot, append, offsetsOf } = await house();
  const before = await append(fact('!a'));
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
  const read = slot.read.bind(slot);
  // The read has its first record, and sees all that is appended meanwhile.
  slot.read = async function* (...asked: Parameters<SlotLog['read']>) {
    yield* read(...asked);
    await held;
    yield* read('rooms', { offset: (before[0] ?? 0) + 1, epoch: 0 });
  };
  const asked = offsetsOf('!a');
  const meanwhile = await append(fact('!a'), fact('!a'));
  goOn();
  assert.deepEqual(await asked, [...before, ...meanwhile]);
  const after = await append(fact('!a'));
  assert.deepEqual(await offsetsOf('!a'), [...before, ...meanwhile, ...after]);
  assert.equal(log.reads.length, 2);
});

test('records whose facts do not fit are read by themselves, neighbours at once', async () => {
  const { log, append, offsetsOf } = await house({ factBytes: 1, records: 1_000 });
  const near = await append(fact('!a'), fact('!b'), fact('!a'));
  await append(...Array.from({ length: 50 }, () => fact('!b')));
  const far = await append(fact('!a'));
  await offsetsOf('!c');
  log.reads.length = 0;
  assert.deepEqual(await offsetsOf('!a'), [near[0], near[2], far[0]]);
  assert.deepEqual(
    log.reads.map(({ from, to }) => [from, to]),
    [
      [near[0], (near[2] ?? 0) + 1],
      [far[0], (far[0] ?? 0) + 1],
    ],
  );
});

test('an aggregate with records of many keys gets all of them, in order, and no other', async () => {
  const { append, offsetsOf } = await house();
  const [one, , three] = await append(fact('@a/receipt/!r/x'), fact('@a/push_rules'), fact('@a/receipt/!r/'));
  assert.deepEqual(await offsetsOf('@a/receipt/!r/', 0, true), [one, three]);
});

test('a record that cannot be read sets its own aggregate aside, until it can be read', async () => {
  const { log, append, offsetsOf } = await house();
  const [offset] = await append(fact('!a'), fact('!b'));
  const [record] = log.records;
  assert.ok(record !== undefined);
  const { fact: whole } = record;
  Object.assign(record, { fact: undefined });
  for (let times = 0; times < 2; times++) {
    await assert.rejects(offsetsOf('!a'), (error) => isMilenaError(error, 'SET_ASIDE'));
  }
  assert.equal((await offsetsOf('!b')).length, 1);
  Object.assign(record, { fact: whole });
  assert.deepEqual(await offsetsOf('!a'), [offset]);
});

test('a checkpoint that goes back is answered from there', async () => {
  const { append, offsetsOf, log } = await house();
  const offsets = await append(fact('!a'), fact('!a'));
  assert.deepEqual(await offsetsOf('!a', offsets[1]), [offsets[1]]);
  assert.deepEqual(await offsetsOf('!a', offsets[0]), offsets);
  assert.deepEqual(await offsetsOf('!a', offsets[1]), [offsets[1]]);
  assert.equal(log.reads.length, 2);
});

test('trimming lets go of what the models had when it was trimmed before, and reads nothing', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  const { index, append, offsetsOf, log } = await house({ factBytes: 2_000, records: 1_000 });
  const offsets = await append(fact('!a'), fact('!a'), fact('!a'));
  await offsetsOf('!a');
  assert.ok(index.large);
  index.trim(offsets[2] ?? 0);
  // A load may have asked for its checkpoint just before.
  assert.deepEqual(await offsetsOf('!a', offsets[1]), offsets.slice(1));
  assert.equal(index.large, false, 'not again at once');
  now += 5_000;
  index.trim(offsets[2] ?? 0);
  assert.deepEqual(await offsetsOf('!a', offsets[2]), offsets.slice(2));
  assert.equal(log.reads.length, 1);
  now += 5_000;
  assert.ok(index.large);
  assert.deepEqual(await offsetsOf('!a', offsets[0]), offsets, 'from further back it is read again');
  assert.equal(log.reads.length, 2);
});

test('a tail that is too long is read for each that asks, until the models have got on', async () => {
  const { append, offsetsOf, log } = await house({ factBytes: 1_000_000, records: 10 });
  const offsets = await append(...Array.from({ length: 12 }, () => fact('!a')));
  assert.deepEqual(await offsetsOf('!a'), offsets);
  assert.deepEqual(await offsetsOf('!a'), offsets);
  assert.equal(log.reads.length, 3);
  assert.deepEqual(await offsetsOf('!a', offsets[8]), offsets.slice(8));
  assert.deepEqual(await offsetsOf('!a', offsets[9]), offsets.slice(9));
  assert.equal(log.reads.length, 4);
});

test('what compaction has dropped is forgotten', async () => {
  const { append, offsetsOf, log } = await house({ factBytes: 1, records: 1_000 });
  const offsets = await append(fact('!a'), fact('!a'));
  await offsetsOf('!b');
  log.records.shift();
  assert.deepEqual(await offsetsOf('!a'), offsets.slice(1));
  log.reads.length = 0;
  assert.deepEqual(await offsetsOf('!a'), offsets.slice(1));
  assert.equal(log.reads.length, 1, 'its own record alone');
});

test('a read that fails fails those who wait for it, and the next one reads again', async () => {
  const { slot, append, offsetsOf } = await house();
  const offsets = await append(fact('!a'));
  const read = slot.read.bind(slot);
  // biome-ignore lint/correctness/useYield: it fails before the first record.
  slot.read = async function* () {
    throw new Error('away');
  };
  await assert.rejects(offsetsOf('!a'), /away/);
  slot.read = read;
  assert.deepEqual(await offsetsOf('!a'), offsets);
});
