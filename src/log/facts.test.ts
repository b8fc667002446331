import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isMilenaError } from '../errors/milena-error.ts';
import { groupByAppend, joinParts, sizeOf, splitFact } from './facts.ts';
import type { NewRecord } from './port.ts';

const records = fc.record({
  key: fc.string({ maxLength: 20 }),
  type: fc.constant('room_event'),
  at: fc.nat(),
  value: fc.uint8Array({ maxLength: 300 }),
});

describe('facts in parts', () => {
  test('what fits stays as it is; what does not is cut into chunks and one closing record that fit', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 70, max: 200 }), (record, max) => {
        const parts = splitFact(record, max);
        if (sizeOf(record) <= max) return assert.deepEqual(parts, [record]);
        assert.ok(parts.length >= 2);
        for (const [index, part] of parts.entries()) {
          assert.ok(sizeOf(part) <= max && (part.value?.length ?? 0) > 0);
          assert.equal(part.part, index === parts.length - 1 ? 'closing' : 'chunk');
          assert.deepEqual([part.key, part.type, part.at], [record.key, record.type, record.at]);
        }
        assert.deepEqual(Buffer.from(joinParts(parts)), Buffer.from(record.value));
      }),
    );
  });

  test('a key that leaves no room for a chunk is refused', () => {
    const record = { key: 'k'.repeat(100), type: 'room_event', at: 0, value: Buffer.alloc(10) };
    assert.throws(
      () => splitFact(record, 100),
      (error) => isMilenaError(error, 'APPEND_TOO_LARGE'),
    );
  });

  test('groups keep the order, fit an append each, and none could take the next record too', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 30 }), fc.integer({ min: 50, max: 600 }), (all, max) => {
        const groups = groupByAppend(all, max);
        assert.deepEqual(groups.flat(), all);
        const size = (group: readonly NewRecord[]) => group.reduce((sum, each) => sum + sizeOf(each), 0);
        for (const [index, group] of groups.entries()) {
          assert.ok(group.length === 1 || size(group) <= max);
          const next = groups[index + 1]?.[0];
          if (next !== undefined) assert.ok(size(group) + sizeOf(next) > max);
        }
      }),
    );
  });
});
