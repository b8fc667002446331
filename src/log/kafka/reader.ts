import { isMilenaError } from '../../errors/milena-error.ts';
import type { LogBatch, Offset, ReadOptions } from '../port.ts';
import type { TopicName } from '../topics.ts';
import { voidFilter } from '../void-filter.ts';
import { offsetShift, toRecords } from './envelope.ts';
import { type FetchFrom, fetchOne, type Window } from './fetch-one.ts';
import { hasGaps, type KafkaParts, kafkaName } from './parts.ts';
import { endOf } from './positions.ts';
import type { Piece } from './subscription.ts';
import type { TailHub } from './tail-hub.ts';

const defaultBatchSize = 2_000;
/** A fetch of a bounded read, or of a tailing one that is behind. */
const fetchBytes = 2 << 20;

/**
 * Reads a partition: to `options.to` or the end that it has now, whichever comes first, without waiting; or
 * tailing. A batch can be empty: then only the position moves on, over records that nobody sees.
 */
export async function* readPartition(
  parts: KafkaParts,
  hub: TailHub,
  topic: TopicName,
  partition: number,
  options: ReadOptions,
): AsyncIterable<LogBatch> {
  const filter = voidFilter(options.from);
  const limit = options.batchSize ?? defaultBatchSize;
  const signal =
    options.signal === undefined ? parts.closed : AbortSignal.any([options.signal, parts.closed]);
  const stored =
    options.to === undefined
      ? tailing(parts, hub, topic, partition, options.from.offset, signal)
      : bounded(parts, topic, partition, options.from.offset, options.to, signal);
  let given = options.from.offset;
  try {
    for await (const piece of stored) {
      for (let start = 0; start === 0 || start < piece.records.length; start += limit) {
        const some = piece.records.slice(start, start + limit);
        const last = start + limit >= piece.records.length;
        const { records, next } = filter.take(some, last ? piece.next : undefined);
        if (records.length === 0 && next.offset === given) continue;
        given = next.offset;
        yield { topic, partition, records, next };
        if (signal.aborted) return;
      }
    }
  } catch (error) {
    // Whoever aborts a read wants it to end, not to fail.
    if (!signal.aborted) throw error;
  }
}

async function* bounded(
  parts: KafkaParts,
  topic: TopicName,
  partition: number,
  from: Offset,
  bound: Offset,
  signal: AbortSignal,
): AsyncIterable<Piece> {
  const name = kafkaName(parts, topic);
  if (from >= bound) return;
  const to = Math.min(bound - offsetShift, await endOf(parts.read, name, partition));
  const fetch = (offset: number) => fetchOne(parts.read, fetchFrom(name, topic, partition, offset, signal));
  let cursor = Math.max(0, from - offsetShift);
  let ahead = cursor < to ? fetch(cursor) : undefined;
  while (ahead !== undefined && !signal.aborted) {
    const window: Window = await ahead;
    const next = Math.min(window.next, to);
    // The next fetch is under way while this one's records are worked on.
    ahead = next < to ? fetch(next) : undefined;
    ahead?.catch(() => undefined);
    cursor = next;
    const inside = window.records.at(-1)?.offset ?? 0;
    const records = inside < to ? window.records : window.records.filter((record) => record.offset < to);
    yield { records: toRecords(records, topic, partition), next: cursor + offsetShift };
  }
}

async function* tailing(
  parts: KafkaParts,
  hub: TailHub,
  topic: TopicName,
  partition: number,
  from: Offset,
  signal: AbortSignal,
): AsyncIterable<Piece> {
  const name = kafkaName(parts, topic);
  let cursor = Math.max(0, from - offsetShift);
  while (!signal.aborted) {
    const window = await catchUp(parts, fetchFrom(name, topic, partition, cursor, signal));
    if (window === undefined) continue;
    const behind = window.next < window.end;
    const moved = window.next > cursor;
    cursor = window.next;
    if (moved) yield { records: toRecords(window.records, topic, partition), next: cursor + offsetShift };
    if (behind) continue;
    using subscription = await hub.subscribe(topic, partition, cursor);
    // The hub is ahead of us already: another fetch reaches it.
    if (subscription === undefined) continue;
    for await (const piece of subscription.pieces(signal)) {
      cursor = piece.next - offsetShift;
      yield piece;
    }
  }
}

/** A tailing read outlasts any outage of the brokers; it ends when its reader wants it to. */
async function catchUp(parts: KafkaParts, from: FetchFrom): Promise<Window | undefined> {
  try {
    return await fetchOne(parts.read, from);
  } catch (error) {
    if (isMilenaError(error, 'LOG_UNAVAILABLE')) return undefined;
    throw error;
  }
}

function fetchFrom(
  name: string,
  topic: TopicName,
  partition: number,
  offset: number,
  signal: AbortSignal,
): FetchFrom {
  return {
    topic: name,
    partition,
    offset,
    maxBytes: fetchBytes,
    gaps: hasGaps(topic),
    signal,
  };
}
