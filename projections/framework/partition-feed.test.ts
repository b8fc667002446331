import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { emptyDigest } from './digest.ts';
import { PartitionFeed } from './partition-feed.ts';
import { randomNumbers } from './rebuild-load.ts';
import type { RecordSource, SourceRecord } from './record-source.ts';

/** A partition in memory. Offsets have gaps; it counts the records that were read from it. */
class FakePartition implements RecordSource {
  readonly records: SourceRecord[] = [];
  given = 0;
  closed = false;
  #wake: () => void = () => undefined;

  add(count: number): void {
    for (let index = 0; index < count; index++) {
      const offset = (this.records.at(-1)?.offset ?? 0) + 2;
      this.records.push({ offset, epoch: 1, key: 'k', at: 0, digest: emptyDigest(), opened: undefined });
    }
    this.#wake();
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  async *read(
    ...[, , { from, to, batchSize = 2_000, signal }]: Parameters<RecordSource['read']>
  ): ReturnType<RecordSource['read']> {
    signal?.addEventListener('abort', () => this.#wake());
    let at = from.offset;
    while (signal?.aborted !== true && !this.closed) {
      await turn();
      const records = this.records
        .filter(({ offset }) => offset >= at && offset < (to ?? Number.POSITIVE_INFINITY))
        .slice(0, batchSize);
      const last = records.at(-1);
      if (last !== undefined) {
        at = last.offset + 1;
        this.given += records.length;
        yield {
          records,
          next: { offset: to !== undefined && records.length < batchSize ? to : at, epoch: 1 },
        };
      } else if (to !== undefined) {
        if (at < to) yield { records: [], next: { offset: to, epoch: 1 } };
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

const START = { offset: 0, epoch: 0 };

async function follow(feed: PartitionFeed, count: number, most: () => number): Promise<readonly number[]> {
  const cursor = feed.cursor(START);
  const signal = new AbortController().signal;
  const seen: number[] = [];
  while (seen.length < count) {
    assert.equal(await cursor.ready(signal), true);
    for (const { offset } of cursor.take(most()).records) seen.push(offset);
    for (let turns = most() % 4; turns > 0; turns--) await turn();
  }
  await cursor.close();
  return seen;
}

test('cursors of any speed see every record once and in order', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const random = randomNumbers(seed);
    const partition = new FakePartition();
    partition.add(700);
    const feed = new PartitionFeed(partition, 'rooms', 0);
    const sizes = [1_000, 400, 90];
    const following = sizes.map((size) => follow(feed, 3_000, () => 1 + Math.floor(random() * size)));
    for (let added = 0; added < 23; added++) {
      await turn();
      partition.add(100);
    }
    const expected = partition.records.map(({ offset }) => offset);
    for (const seen of await Promise.all(following)) assert.deepEqual(seen, expected);
    feed.close();
  }
});

test('records are read once for all who keep up', async () => {
  const partition = new FakePartition();
  partition.add(400);
  const feed = new PartitionFeed(partition, 'rooms', 0);
  await Promise.all([1, 2, 3].map(() => follow(feed, 400, () => 1_000)));
  assert.equal(partition.given, 400);
  feed.close();
});

test('one who starts further on does not wait for those behind', async () => {
  const partition = new FakePartition();
  partition.add(5_000);
  const feed = new PartitionFeed(partition, 'rooms', 0);
  const behind = feed.cursor(START);
  const signal = new AbortController().signal;
  await behind.ready(signal);
  const ahead = feed.cursor({ offset: 9_990, epoch: 1 });
  assert.equal(await ahead.ready(signal), true);
  assert.deepEqual(
    ahead.take(10).records.map(({ offset }) => offset),
    [9_990, 9_992, 9_994, 9_996, 9_998, 10_000],
  );
  assert.deepEqual((await follow(feed, 5_000, () => 700)).length, 5_000);
  feed.close();
});

test('a log that is closed leaves nothing out: reading on fails instead', async () => {
  const partition = new FakePartition();
  partition.add(3_000);
  const feed = new PartitionFeed(partition, 'rooms', 0);
  const signal = new AbortController().signal;
  const behind = feed.cursor(START);
  // Somebody else has moved the feed far ahead.
  const ahead = feed.cursor({ offset: 6_000, epoch: 1 });
  await ahead.ready(signal);
  await behind.ready(signal);
  behind.take(10);
  partition.close();
  const reading = async (): Promise<void> => {
    while (await behind.ready(signal)) behind.take(2_000);
  };
  await assert.rejects(reading(), /ended at/);
});

test('a closed feed says so instead of waiting or turning in circles', async () => {
  const feed = new PartitionFeed(new FakePartition(), 'rooms', 0);
  const cursor = feed.cursor(START);
  const waiting = cursor.ready(new AbortController().signal);
  await turn();
  feed.close();
  await assert.rejects(waiting, /closed/);
});
