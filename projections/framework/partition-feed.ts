import { setTimeout as sleep } from 'node:timers/promises';
import { MilenaError } from '../../src/errors/milena-error.ts';
import type { ReadPosition } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { type RecordSource, readAllUpTo, type SourceBatch, type SourceRecord } from './record-source.ts';

/** The most records read at once. */
const READ = 250;

/**
 * Records kept in memory behind the newest one that was read (up to twice as many): about 4 KB each. Never fewer
 * than are read at once: who waited for them would find the first of them dropped already.
 */
const KEPT = READ;

/** A tail that has ended by itself (the log is being closed) is not opened again at once. */
const ENDED_MS = 250;

/**
 * One partition, read and decoded once for all models that follow it. It keeps the newest records; whoever has
 * fallen further behind reads for itself until it is back. Records are read when somebody waits for them, so a
 * process whose models are all busy reads nothing ahead.
 */
export class PartitionFeed {
  readonly topic: TopicName;
  readonly partition: number;
  readonly #source: RecordSource;
  readonly #stop = new AbortController();
  #records: SourceRecord[] = [];
  #start: ReadPosition = { offset: 0, epoch: 0 };
  #end: ReadPosition | undefined;
  #tail: AsyncIterator<SourceBatch> | undefined;
  #tailStop = new AbortController();
  #pumping = false;
  readonly #waiters = new Set<(error?: unknown) => void>();

  constructor(source: RecordSource, topic: TopicName, partition: number) {
    this.#source = source;
    this.topic = topic;
    this.partition = partition;
  }

  /** A reader of its own, from `position` on. */
  cursor(position: ReadPosition): FeedCursor {
    return new FeedCursor(this, position);
  }

  /** Ends all reading. */
  close(): void {
    this.#stop.abort();
    this.#resetTail(undefined);
    this.#wake();
  }

  /** For cursors: what is kept from `position` on; undefined when that lies before it all. */
  kept(position: ReadPosition, most: number): SourceBatch | undefined {
    if (this.#end === undefined || position.offset > this.#end.offset) this.#resetTail(position);
    if (position.offset < this.#start.offset) return undefined;
    const end = this.#end ?? position;
    const from = firstFrom(this.#records, position.offset);
    const records = this.#records.slice(from, from + most);
    const last = records.at(-1);
    const whole = from + records.length === this.#records.length;
    return { records, next: whole || last === undefined ? end : after(last) };
  }

  /** For cursors: the first position that is kept. */
  get start(): ReadPosition {
    return this.#start;
  }

  /** For cursors: reads what is not kept any more. */
  readUpTo(from: ReadPosition, to: number, signal: AbortSignal): AsyncIterable<SourceBatch> {
    return readAllUpTo(this.#source, this.topic, this.partition, { from, to, signal, batchSize: READ });
  }

  /** For cursors: resolves when more was read, or the signal aborts. Rejects when the feed is closed. */
  async more(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#stop.signal.aborted) throw new MilenaError('UNAVAILABLE', 'the feed is closed');
    await new Promise<void>((resolve, reject) => {
      const done = (error?: unknown): void => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', aborted);
        if (error === undefined) resolve();
        else reject(error);
      };
      const aborted = (): void => done();
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiters.add(done);
      void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#waiters.size > 0 && !this.#stop.signal.aborted) {
      const tail = this.#openTail();
      try {
        const read = await tail.next();
        if (tail !== this.#tail) continue; // Somebody further on has moved the tail meanwhile.
        if (read.done === true) await this.#ended();
        else this.#keep(read.value);
        this.#wake();
      } catch (error) {
        if (tail !== this.#tail) continue;
        this.#tail = undefined;
        this.#wake(error);
      }
    }
    this.#pumping = false;
  }

  async #ended(): Promise<void> {
    this.#tail = undefined;
    await sleep(ENDED_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #openTail(): AsyncIterator<SourceBatch> {
    if (this.#tail === undefined) {
      this.#tailStop = new AbortController();
      const signal = AbortSignal.any([this.#stop.signal, this.#tailStop.signal]);
      const from = this.#end ?? this.#start;
      this.#tail = this.#source
        .read(this.topic, this.partition, { from, signal, batchSize: READ })
        [Symbol.asyncIterator]();
    }
    return this.#tail;
  }

  #resetTail(position: ReadPosition | undefined): void {
    this.#tailStop.abort();
    this.#tail = undefined;
    this.#records = [];
    if (position !== undefined) {
      this.#start = position;
      this.#end = position;
    }
  }

  #keep(batch: SourceBatch): void {
    for (const record of batch.records) this.#records.push(record);
    this.#end = batch.next;
    // Dropped by halves: each record is moved once on average.
    if (this.#records.length > KEPT * 2) {
      const dropped = this.#records.splice(0, this.#records.length - KEPT);
      const last = dropped.at(-1);
      if (last !== undefined) this.#start = after(last);
    }
  }

  #wake(error?: unknown): void {
    for (const waiter of [...this.#waiters]) waiter(error);
  }
}

/** One model's way along a partition. */
export class FeedCursor {
  readonly #feed: PartitionFeed;
  #position: ReadPosition;
  /** While it is behind what the feed keeps: its own reader, and where that ends. */
  #own: { readonly batches: AsyncIterator<SourceBatch>; readonly to: ReadPosition } | undefined;
  #pending: SourceBatch | undefined;

  constructor(feed: PartitionFeed, position: ReadPosition) {
    this.#feed = feed;
    this.#position = position;
  }

  /**
   * Resolves true when `take` has something to give; false when the signal has aborted.
   * Rejects when the log cannot be read; the cursor can be used again.
   */
  async ready(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (this.#pending !== undefined) return true;
      const kept = this.#feed.kept(this.#position, 1);
      if (kept === undefined) {
        await this.#readOwn(signal);
        continue;
      }
      await this.close();
      if (kept.next.offset > this.#position.offset) return true;
      await this.#feed.more(signal);
    }
    return false;
  }

  /** What stands at the cursor, at most `most` records; moves on behind it. Only after `ready`. */
  take(most: number): SourceBatch {
    const found = this.#pending ?? this.#feed.kept(this.#position, most);
    if (found === undefined) return { records: [], next: this.#position };
    const batch = cut(found, most);
    this.#pending = this.#pending !== undefined && batch !== found ? rest(found, most) : undefined;
    this.#position = batch.next;
    return batch;
  }

  /** Ends its own reading. */
  async close(): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    await own?.batches.return?.();
  }

  async #readOwn(signal: AbortSignal): Promise<void> {
    if (this.#own === undefined) {
      const to = this.#feed.start;
      const batches = this.#feed.readUpTo(this.#position, to.offset, signal);
      this.#own = { batches: batches[Symbol.asyncIterator](), to };
    }
    const { batches, to } = this.#own;
    const read = await batches.next().catch((error: unknown) => {
      this.#own = undefined;
      throw error;
    });
    if (read.done !== true) {
      if (read.value.next.offset > this.#position.offset) this.#pending = read.value;
      return;
    }
    this.#own = undefined;
    if (!signal.aborted) this.#position = to;
  }
}

function cut(batch: SourceBatch, most: number): SourceBatch {
  const last = batch.records[most - 1];
  if (last === undefined || batch.records.length === most) return batch;
  return { records: batch.records.slice(0, most), next: after(last) };
}

function rest(batch: SourceBatch, most: number): SourceBatch {
  return { records: batch.records.slice(most), next: batch.next };
}

function after(record: SourceRecord): ReadPosition {
  // A record that is not void was written under the highest epoch before it.
  return { offset: record.offset + 1, epoch: record.epoch };
}

function firstFrom(records: readonly SourceRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.offset ?? offset) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
