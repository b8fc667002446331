import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { LogRecord } from '../port.ts';
import { PartitionTail } from './tail.ts';

function record(offset: number, bytes = 10): LogRecord {
  return {
    topic: 'inbox',
    partition: 0,
    offset,
    epoch: 0,
    at: 0,
    key: `${offset}`,
    type: 'typing',
    value: Buffer.alloc(bytes),
  };
}

/** A partition as the database holds it, and how often it was asked. */
class Stored {
  readonly records: LogRecord[] = [];
  fetches = 0;

  append(count: number, bytes?: number): LogRecord[] {
    const from = this.records.length + 1;
    const added = Array.from({ length: count }, (_, index) => record(from + index, bytes));
    this.records.push(...added);
    return added;
  }

  tail(): PartitionTail {
    return new PartitionTail(
      async (from, to, limit) => {
        this.fetches++;
        const all = this.records.filter(({ offset }) => offset >= from && offset < to);
        await Promise.resolve();
        return { records: all.slice(0, limit), complete: all.length <= limit };
      },
      async () => this.records.length + 1,
    );
  }
}

const offsets = (records: readonly LogRecord[]) => records.map(({ offset }) => offset);

describe('tail of a partition', () => {
  test('a reader that keeps up with what its own process appends sends no query', async () => {
    const stored = new Stored();
    const tail = stored.tail();
    let at = (await tail.take(1, 100)).next;
    stored.fetches = 0;
    for (let round = 0; round < 50; round++) {
      tail.appended(stored.append(3));
      const taken = await tail.take(at, 100);
      assert.equal(taken.records.length, 3);
      at = taken.next;
    }
    assert.equal(stored.fetches, 0);
  });

  test('many readers share the fetch of what others have appended', async () => {
    const stored = new Stored();
    const tail = stored.tail();
    await tail.take(1, 100);
    stored.append(5);
    stored.fetches = 0;
    tail.hint();
    const taken = await Promise.all([1, 1, 1, 1].map((from) => tail.take(from, 100)));
    for (const { records } of taken) assert.deepEqual(offsets(records), [1, 2, 3, 4, 5]);
    assert.equal(stored.fetches, 1);
  });

  test('a waiting reader wakes on an append, on a hint, on a known end and on abort', async () => {
    const stored = new Stored();
    const tail = stored.tail();
    const never = new AbortController();
    let at = (await tail.take(1, 100)).next;
    const wakes = [
      () => tail.appended(stored.append(1)),
      () => {
        stored.append(1);
        tail.hint();
      },
      () => {
        stored.append(1);
        tail.endsAt(stored.records.length + 1);
      },
    ];
    for (const wake of wakes) {
      const waiting = tail.wait(at, never.signal);
      assert.equal(tail.watched, true);
      wake();
      await waiting;
      const taken = await tail.take(at, 100);
      assert.equal(taken.records.length, 1);
      at = taken.next;
    }
    const aborting = new AbortController();
    const waiting = tail.wait(at, aborting.signal);
    aborting.abort();
    await waiting;
    assert.equal(tail.watched, false);
  });

  test('whatever is appended by whom, however slowly acknowledged, each reader takes all in order', async () => {
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom('own', 'other', 'late', 'forget', 'read', 'read'),
        count: fc.integer({ min: 1, max: 40 }),
        large: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 50 }), async (history, limit) => {
        const stored = new Stored();
        const tail = stored.tail();
        const readers = [
          { at: 0, seen: [] as number[] },
          { at: 0, seen: [] as number[] },
        ];
        const late: LogRecord[][] = [];
        const read = async (reader: { at: number; seen: number[] }) => {
          const taken = await tail.take(reader.at, limit);
          reader.seen.push(...offsets(taken.records));
          const moved = taken.next > reader.at;
          reader.at = taken.next;
          return moved;
        };
        for (const [index, { what, count, large }] of history.entries()) {
          const bytes = large ? 30_000 : 10;
          if (what === 'own') tail.appended(stored.append(count, bytes));
          if (what === 'late') late.push(stored.append(count, bytes));
          if (what === 'other') stored.append(count, bytes);
          if (what === 'other') tail.hint();
          if (what === 'forget') tail.forget();
          const reader = readers[index % 2];
          if (what === 'read' && reader) await read(reader);
        }
        for (const acknowledged of late.reverse()) tail.appended(acknowledged);
        tail.hint();
        for (const reader of readers) {
          while (reader.at <= stored.records.length) await read(reader);
          assert.deepEqual(reader.seen, offsets(stored.records));
          assert.equal(await read(reader), false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
