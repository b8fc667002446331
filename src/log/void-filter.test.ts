import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { LogRecord } from './port.ts';
import { voidFilter } from './void-filter.ts';

const start = { offset: 0, epoch: 0 };

type Kind = 'record' | 'chunk' | 'closing' | 'claim';

function stored(offset: number, kind: Kind, epoch: number, key = 'k'): LogRecord {
  return {
    topic: 'rooms',
    partition: 0,
    offset,
    epoch,
    at: 0,
    key,
    type: kind === 'claim' ? 'claim' : 'room_event',
    value: null,
    ...(kind === 'chunk' || kind === 'closing' ? { part: kind } : {}),
  };
}

/** What is valid, said as plainly as can be: from the whole partition, quadratic, with no state. */
function model(partition: readonly LogRecord[]): readonly LogRecord[] {
  const claimedBefore = (index: number) =>
    Math.max(0, ...partition.slice(0, index).map((each) => (each.type === 'claim' ? each.epoch : 0)));
  // A claim that raises nothing is void too; one that counts stands between what is around it.
  const counting = partition.filter((each, index) =>
    each.type === 'claim' ? each.epoch > claimedBefore(index) : each.epoch >= claimedBefore(index),
  );
  return counting.filter((each, index) => {
    if (each.type === 'claim') return false;
    if (each.part === undefined) return true;
    const sameRun = (other: LogRecord | undefined) =>
      other?.part !== undefined && other.epoch === each.epoch && other.key === each.key;
    let first = index;
    while (sameRun(counting[first - 1]) && counting[first - 1]?.part === 'chunk') first--;
    let last = index;
    while (counting[last]?.part === 'chunk' && sameRun(counting[last + 1])) last++;
    return counting[last]?.part === 'closing' && first < last;
  });
}

/** Partitions as a log might hold: epochs that rise with claims, and late records of fenced writers. */
const partitions: fc.Arbitrary<readonly LogRecord[]> = fc
  .array(
    fc.record({
      kind: fc.oneof(
        { weight: 4, arbitrary: fc.constant<Kind>('record') },
        { weight: 4, arbitrary: fc.constant<Kind>('chunk') },
        { weight: 3, arbitrary: fc.constant<Kind>('closing') },
        { weight: 2, arbitrary: fc.constant<Kind>('claim') },
      ),
      late: fc.nat(3),
      gap: fc.integer({ min: 1, max: 3 }),
      key: fc.constantFrom('k', 'l'),
    }),
    { maxLength: 25 },
  )
  .map((steps) => {
    const records: LogRecord[] = [];
    const epochs = [0];
    let offset = 0;
    for (const { kind, late, gap, key } of steps) {
      offset += gap;
      if (kind === 'claim' && late === 0) epochs.push(offset);
      // One in four is from a writer that was fenced, claims of losers included.
      const epoch = epochs.at(late === 1 ? -2 : -1) ?? 0;
      records.push(stored(offset, kind, epoch, key));
    }
    return records;
  });

describe('void filter', () => {
  test('lets through what the model does, however the records are cut into batches', () => {
    fc.assert(
      fc.property(
        partitions,
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
        (partition, sizes) => {
          const filter = voidFilter(start);
          const out: LogRecord[] = [];
          for (let from = 0, cut = 0; from < partition.length; cut++) {
            const size = sizes[cut % sizes.length] ?? 1;
            out.push(...filter.take(partition.slice(from, from + size)).records);
            from += size;
          }
          assert.deepEqual(out, model(partition));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a reader that stops anywhere and goes on from its position sees each valid record once', () => {
    fc.assert(
      fc.property(partitions, fc.array(fc.nat(25), { maxLength: 4 }), (partition, stops) => {
        const out: LogRecord[] = [];
        let next = start;
        for (const stop of [...stops.sort((a, b) => a - b), partition.length]) {
          const filter = voidFilter(next);
          const rest = partition.filter((each, index) => each.offset >= next.offset && index < stop);
          const valid = filter.take(rest);
          out.push(...valid.records);
          assert.ok(valid.next.offset >= next.offset);
          assert.deepEqual(valid.next, filter.next);
          next = valid.next;
        }
        assert.deepEqual(out, model(partition));
      }),
      { numRuns: 2_000 },
    );
  });

  test('the position stays at the first chunk of an open fact, and passes it when the fact is void', () => {
    const filter = voidFilter(start);
    filter.take([stored(1, 'claim', 1), stored(2, 'record', 1), stored(3, 'chunk', 1)], 10);
    assert.deepEqual(filter.next, { offset: 3, epoch: 1 });
    filter.take([stored(10, 'chunk', 1)]);
    assert.deepEqual(filter.next, { offset: 3, epoch: 1 });
    filter.take([stored(11, 'claim', 11)]);
    assert.deepEqual(filter.next, { offset: 12, epoch: 11 });
  });

  test('a fenced writer cannot break the fact that its successor is writing', () => {
    const chunk = stored(3, 'chunk', 2);
    const closing = stored(5, 'closing', 2);
    const filter = voidFilter(start);
    const valid = filter.take([stored(2, 'claim', 2), chunk, stored(4, 'record', 1), closing]);
    assert.deepEqual(valid.records, [chunk, closing]);
  });

  test('the end of what was read moves the position, over gaps too', () => {
    const filter = voidFilter({ offset: 5, epoch: 3 });
    assert.deepEqual(filter.take([], 9), { records: [], next: { offset: 9, epoch: 3 } });
    assert.deepEqual(filter.take([]).next, { offset: 9, epoch: 3 });
  });
});
