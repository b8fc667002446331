import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { NewRecord } from '../port.ts';
import { crc32c } from './crc32c.ts';
import { chunkKey, fromStored, toRaw } from './envelope.ts';
import { decodeBatches, encodeBatch, noProducer } from './record-batch.ts';

describe('record batches', () => {
  test('the sum is CRC-32C: the check value of the Rocksoft model, and any length', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
    // RFC 3720, appendix B.4: 32 bytes of zeroes, of ones, and rising.
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, byte) => byte))), 0x46dd794e);
    const bytes = Buffer.from('some bytes before 123456789 and after');
    assert.equal(crc32c(bytes, 18, 27), 0xe3069283);
  });

  const records = fc.array(
    fc.record(
      {
        key: fc.string({ unit: 'grapheme' }),
        type: fc.constantFrom('room_event', 'typing', 'ü'),
        at: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        value: fc.option(fc.uint8Array({ maxLength: 300 })),
        command: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        origin: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
        part: fc.constantFrom('chunk' as const, 'closing' as const),
      },
      { requiredKeys: ['key', 'type', 'at', 'value'] },
    ),
    { minLength: 1, maxLength: 40 },
  );

  test('what was encoded is decoded, from any offset in the middle too', () => {
    fc.assert(
      fc.property(records, fc.nat(40), (given: readonly NewRecord[], skip) => {
        const batch = encodeBatch(
          given.map((record) => toRaw(record, 77, record.at)),
          { id: 5n, epoch: 3, sequence: 9 },
        );
        batch.writeBigInt64BE(1_000n, 0);
        const { records: stored, next } = decodeBatches(batch, 1_000 + skip);
        assert.equal(next, 1_000 + given.length);
        const read = stored.map((one) => fromStored(one, 'rooms', 4));
        const plain = read.map(({ value, command, ...rest }) => ({
          ...rest,
          value: value === null ? null : Uint8Array.from(value),
          ...(command === undefined ? {} : { command: Uint8Array.from(command) }),
        }));
        const expected = given
          .map((record, index) => ({
            ...record,
            topic: 'rooms',
            partition: 4,
            offset: 1_001 + index,
            epoch: 77,
          }))
          .slice(skip);
        assert.deepEqual(plain, expected);
      }),
    );
  });

  test('a batch that is cut off is left for the next fetch', () => {
    const one = encodeBatch(
      [toRaw({ key: 'a', type: 't', at: 1, value: Buffer.from('x') }, 1, 1)],
      noProducer,
    );
    const two = Buffer.from(one);
    two.writeBigInt64BE(1n, 0);
    const both = Buffer.concat([one, two]);
    for (let length = 0; length <= both.length; length++) {
      const { records: found, next } = decodeBatches(both.subarray(0, length), 0);
      const whole = length === both.length ? 2 : length >= one.length ? 1 : 0;
      assert.equal(found.length, whole);
      assert.equal(next, whole === 0 ? undefined : whole);
    }
  });

  test('a chunk on a compacted topic has a key of its own in Kafka, and its own key for readers', () => {
    const record: NewRecord = { key: 'ключ', type: 't', at: 1, value: Buffer.from('x'), part: 'chunk' };
    const raw = toRaw(record, 9, 1, chunkKey(record.key, 9, 3));
    assert.notDeepEqual(Buffer.from(raw.key), Buffer.from(record.key));
    const stored = { offset: 0, key: Buffer.from(raw.key), value: null, meta: Buffer.from(raw.meta) };
    assert.equal(fromStored(stored, 'user_values', 0).key, record.key);
    assert.notDeepEqual(chunkKey('k', 9, 3), chunkKey('k', 9, 4));
  });

  test("a claim's epoch in `rooms` is its own offset", () => {
    const raw = toRaw({ key: 'claim', type: 'claim', at: 1, value: Buffer.alloc(0) }, 0, 1);
    const stored = { offset: 41, key: Buffer.from(raw.key), value: null, meta: Buffer.from(raw.meta) };
    assert.equal(fromStored(stored, 'rooms', 0).epoch, 42);
    assert.equal(fromStored(stored, 'users', 0).epoch, 0);
  });
});
