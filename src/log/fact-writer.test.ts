import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { createCodec } from './codec.ts';
import { type ReadFact, readFacts } from './fact-reader.ts';
import { type AnyNewFact, FactWriter } from './fact-writer.ts';
import { MemoryLog } from './memory-log.fixture.ts';
import { ContentKeys } from './sealing/content-keys.ts';
import { leavesPerBlock } from './sealing/key-tree.ts';
import { masterKey } from './sealing/master-key.ts';
import type { TopicName } from './topics.ts';

const from = { offset: 0, epoch: 0 };

function house(log = new MemoryLog(), master = masterKey(randomBytes(32))) {
  const codec = createCodec();
  const keys = new ContentKeys(log, codec, master);
  const parts = { log, codec, keys, master };
  return { ...parts, parts, writer: async (slot = 0) => new FactWriter(await log.claim(slot), parts) };
}

function fact(text: string | null, key = '@ann:x'): AnyNewFact {
  return { key, type: 'profile_changed', at: 1, value: { field: 'displayname', sealed: text } };
}

function plainFact(actor: string): AnyNewFact {
  return { key: '#a:x', type: 'alias_removed', at: 1, value: { actor } };
}

async function read(parts: ReturnType<typeof house>['parts'], topic: TopicName): Promise<ReadFact[]> {
  const facts: ReadFact[] = [];
  const to = await parts.log.end(topic, 0);
  for await (const batch of readFacts(parts, topic, 0, { from, to })) facts.push(...batch.facts);
  return facts;
}

async function texts(parts: ReturnType<typeof house>['parts']): Promise<unknown[]> {
  return (await read(parts, 'users')).map(({ fact: each }) =>
    each && 'sealed' in each.value ? each.value.sealed : each,
  );
}

/** The same log as another process sees it. */
function elsewhere({ log, master }: ReturnType<typeof house>) {
  return house(log, master).parts;
}

describe('writing and reading facts', () => {
  test('what was written is read, by this process and by others, with null where there was nothing', async () => {
    const one = house();
    const writer = await one.writer();
    const written = ['hello', null, '', '{"ü":"😀"}'];
    const command = randomBytes(16);
    await writer.append(
      'users',
      written.map((text) => ({ ...fact(text), command })),
    );
    assert.deepEqual(await texts(one.parts), written);
    assert.deepEqual(await texts(elsewhere(one)), written);
    const facts = await read(one.parts, 'users');
    assert.ok(facts.every((each) => !each.erased && each.record.command === command));
    const stored = JSON.stringify(one.log.stored.get('users/0'));
    assert.ok(!stored.includes('hello'));
  });

  test('a key stands on the log before the first record that it seals, in every block', async () => {
    const one = house();
    const writer = await one.writer();
    let unknown = 0;
    one.log.before = (topic, records) => {
      if (topic !== 'users') return;
      const known = new Set(one.log.stored.get('content_keys/0')?.map((record) => record.key));
      for (const { value } of records) {
        const { value: decoded } = one.codec.decode(value ?? Buffer.of());
        if (!('sealed' in decoded && decoded.sealed && known.has(`users/0/${decoded.sealed.block}`)))
          unknown++;
      }
    };
    const all = Array.from({ length: 2 * leavesPerBlock + 50 }, (_, index) => fact(`text ${index}`));
    for (let at = 0; at < all.length; at += 100) await writer.append('users', all.slice(at, at + 100));
    await writer.append('users', all);
    assert.equal(unknown, 0);
    assert.equal((await texts(elsewhere(one))).length, 2 * all.length);
    assert.equal(new Set(await texts(elsewhere(one))).size, all.length);
  });

  test('a block is not waited for when it is used up: the next one is ordered ahead', async () => {
    const one = house();
    const writer = await one.writer();
    const keyAppends = () => one.log.appends.filter(({ topic }) => topic === 'content_keys').length;
    await writer.append('users', [fact('first')]);
    assert.equal(keyAppends(), 1);
    for (let count = 1; count < leavesPerBlock; count++) {
      await writer.append('users', [fact('more')]);
      if (count < leavesPerBlock / 2) assert.equal(keyAppends(), 1);
    }
    assert.equal(keyAppends(), 2);
    one.log.before = (topic) => {
      if (topic === 'content_keys') throw new Error('the next block is waited for');
    };
    await writer.append('users', [fact('the first of the second block')]);
    assert.equal((await texts(elsewhere(one))).length, leavesPerBlock + 1);
  });

  test('facts larger than an append go in parts and are read whole, among others', async () => {
    const one = house(new MemoryLog({ maxAppendBytes: 1_000 }));
    const writer = await one.writer();
    const long = 'x'.repeat(5_000);
    const written = ['a', long, 'b', 'c', long + long, long];
    const appended = await writer.append(
      'users',
      written.map((text) => fact(text)),
    );
    assert.deepEqual(await texts(one.parts), written);
    const facts = await read(elsewhere(one), 'users');
    assert.deepEqual(
      facts.map(({ record }) => record.offset),
      appended.map(({ offset }) => offset),
    );
    assert.ok(facts.every(({ record }) => record.part === undefined));
    assert.deepEqual(
      appended.map(({ first, offset }) => offset - first > 3),
      [false, true, false, false, true, true],
    );
  });

  test('a crash in the middle of a fact in parts leaves nothing of it', async () => {
    const one = house(new MemoryLog({ maxAppendBytes: 1_000 }));
    const writer = await one.writer();
    let appends = 0;
    one.log.before = (topic) => {
      if (topic === 'users' && ++appends === 3) throw new MilenaError('INDEFINITE');
    };
    await assert.rejects(writer.append('users', [fact('before'), fact('x'.repeat(5_000))]), {
      code: 'INDEFINITE',
    });
    one.log.before = () => undefined;
    await assert.rejects(writer.append('users', [fact('after')]), { code: 'INDEFINITE' });
    await (await one.writer()).append('users', [fact('of the next')]);
    assert.deepEqual(await texts(one.parts), ['before', 'of the next']);
  });

  test('erasing takes the content of the records named, and of no other', async () => {
    const count = leavesPerBlock + 20;
    const written = Array.from({ length: count }, (_, index) => `text ${index}`);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 6 }), async (victims) => {
        const one = house();
        const writer = await one.writer();
        await writer.append(
          'users',
          written.map((text) => fact(text)),
        );
        const facts = await read(one.parts, 'users');
        const other = elsewhere(one);
        await texts(other);
        for (const victim of victims) {
          const record = facts[victim]?.record;
          assert.ok(record && (await writer.eraseRecord(record, 2)));
          assert.equal(await writer.eraseRecord(record, 2), false);
        }
        // A writer goes on sealing in a block of which something was erased.
        await writer.append('users', [fact('later')]);
        const expected = [...written.map((text, index) => (victims.includes(index) ? null : text)), 'later'];
        assert.deepEqual(await texts(one.parts), expected);
        assert.deepEqual(await texts(elsewhere(one)), expected);
        await other.keys.refresh(0);
        assert.deepEqual(await texts(other), expected);
        const flags = (await read(one.parts, 'users')).map(({ erased }) => erased);
        assert.deepEqual(
          flags,
          expected.map((text) => text === null),
        );
      }),
      { numRuns: 5 },
    );
  });

  test('a later owner erases what an earlier one wrote, and earlier erasures stay', async () => {
    const one = house();
    await (await one.writer()).append(
      'users',
      ['a', 'b', 'c'].map((text) => fact(text)),
    );
    const [a, b] = await read(one.parts, 'users');
    assert.ok(a && b);
    const two = house(one.log, one.master);
    await (await two.writer()).eraseRecord(a.record, 2);
    const three = house(one.log, one.master);
    await (await three.writer()).eraseRecord(b.record, 3);
    assert.deepEqual(await texts(elsewhere(one)), [null, null, 'c']);
  });

  test('a record that cannot be read is told with its error, and all others are read', async () => {
    const one = house();
    const writer = await one.writer();
    await writer.append('users', [fact('a')]);
    const bad = { key: 'bad', type: 'profile_changed', at: 1 };
    const [good] = await read(one.parts, 'users');
    const altered = Buffer.from(good?.record.value ?? []);
    altered[altered.length - 1] = (altered[altered.length - 1] ?? 0) ^ 1;
    await writer.writer.append('users', [
      { ...bad, value: Buffer.from('rubbish') },
      { ...bad, key: '@ann:x', value: altered },
      { ...bad, type: 'alias_removed', value: good?.record.value ?? null },
    ]);
    await writer.append('users', [fact('b')]);
    const facts = await read(elsewhere(one), 'users');
    assert.deepEqual(
      facts.map(({ error }) => error?.code),
      [undefined, 'BAD_RECORD', 'BAD_RECORD', 'BAD_RECORD', undefined],
    );
    const stranger = house(one.log).parts;
    assert.ok((await read(stranger, 'users')).every(({ error }) => isMilenaError(error, 'BAD_RECORD')));
  });

  test('a tombstone is read as one', async () => {
    const one = house();
    const writer = await one.writer();
    await writer.remove('user_values', ['a', 'b'], 'account_data_set', 5);
    const facts = await read(one.parts, 'user_values');
    assert.deepEqual(
      facts.map(({ record, fact: each, error }) => [record.key, each, error]),
      [
        ['a', null, undefined],
        ['b', null, undefined],
      ],
    );
  });

  test('a fact that does not fit its schema writes nothing, and the writer goes on', async () => {
    const one = house();
    const writer = await one.writer();
    // What a caller might do whose types are wrong.
    const wrong = plainFact(7 as unknown as string);
    await assert.rejects(writer.append('server', [plainFact('a'), wrong]), { code: 'BAD_RECORD' });
    await writer.append('server', [plainFact('b')]);
    const facts = await read(one.parts, 'server');
    assert.deepEqual({ ...facts[0]?.fact?.value }, { actor: 'b' });
    assert.equal(facts.length, 1);
  });

  test('records without content need no keys', async () => {
    const one = house();
    await (await one.writer()).append('server', [plainFact('a'), plainFact('b')]);
    assert.deepEqual(one.log.appends, [{ topic: 'server', records: 2 }]);
  });

  test('reading opens tens of thousands without a look at the keys but the first', async () => {
    const one = house();
    await (await one.writer()).append(
      'users',
      Array.from({ length: 3 * leavesPerBlock }, () => fact('x')),
    );
    const other = elsewhere(one);
    let ends = 0;
    const end = one.log.end.bind(one.log);
    one.log.end = (topic, partition) => {
      if (topic === 'content_keys') ends++;
      return end(topic, partition);
    };
    assert.equal((await texts(other)).length, 3 * leavesPerBlock);
    assert.equal(ends, 1);
  });
});
