import type { LogBatch, Offset, ReadOptions } from '../port.ts';
import type { TopicName } from '../topics.ts';
import { voidFilter } from '../void-filter.ts';
import type { FetchFrom, PartitionTail } from './tail.ts';

const defaultBatchSize = 2_000;

/** What a read reads from. */
export interface ReadSource {
  readonly topic: TopicName;
  readonly partition: number;
  readonly fetch: FetchFrom;
  readonly tail: PartitionTail;
  readonly end: () => Promise<Offset>;
  /** Aborts when the log is closed. */
  readonly closed: AbortSignal;
}

/**
 * Reads a partition, bounded when `options.to` is given (to that offset or to the end that the partition has
 * now, whichever comes first; it never waits), otherwise tailing.
 */
export function readPartition(source: ReadSource, options: ReadOptions): AsyncIterable<LogBatch> {
  return options.to === undefined ? tailing(source, options) : bounded(source, options, options.to);
}

async function* bounded(source: ReadSource, options: ReadOptions, bound: Offset): AsyncIterable<LogBatch> {
  const { topic, partition } = source;
  const filter = voidFilter(options.from);
  const limit = options.batchSize ?? defaultBatchSize;
  const to = Math.min(bound, await source.end());
  const fetch = (from: Offset) => (from < to ? source.fetch(from, to, limit) : undefined);
  let cursor = options.from.offset;
  let given = cursor;
  let ahead = fetch(cursor);
  while (ahead !== undefined && !stopped(source, options)) {
    const fetched = await ahead;
    cursor = fetched.complete ? to : (fetched.records.at(-1)?.offset ?? cursor) + 1;
    // The next fetch is under way while this one's records are worked on; the loop meets its error, if any.
    ahead = fetch(cursor);
    ahead?.catch(() => undefined);
    const { records, next } = filter.take(fetched.records, cursor);
    if (records.length === 0 && next.offset === given) continue;
    given = next.offset;
    yield { topic, partition, records, next };
  }
}

async function* tailing(source: ReadSource, options: ReadOptions): AsyncIterable<LogBatch> {
  const { topic, partition, tail } = source;
  const filter = voidFilter(options.from);
  const limit = options.batchSize ?? defaultBatchSize;
  const signal =
    options.signal === undefined ? source.closed : AbortSignal.any([options.signal, source.closed]);
  let cursor = options.from.offset;
  let given = cursor;
  while (!signal.aborted) {
    const taken = await tail.take(cursor, limit);
    if (taken.next === cursor) {
      await tail.wait(cursor, signal);
      continue;
    }
    cursor = taken.next;
    const { records, next } = filter.take(taken.records, cursor);
    if (records.length === 0 && next.offset === given) continue;
    given = next.offset;
    yield { topic, partition, records, next };
  }
}

function stopped(source: ReadSource, options: ReadOptions): boolean {
  return source.closed.aborted || options.signal?.aborted === true;
}
