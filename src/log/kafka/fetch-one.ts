import { MilenaError } from '../../errors/milena-error.ts';
import { decodePart, fetchRequest } from './fetch.ts';
import { BrokerRefused, codes } from './kafka-error.ts';
import { type Lane, patience, persist } from './lane.ts';
import { positionsOf } from './positions.ts';
import type { StoredRecord } from './record-batch.ts';

/** A window of a partition, at Kafka's own offsets. */
export interface Window {
  readonly records: readonly StoredRecord[];
  /** Where to go on. */
  readonly next: number;
  /** The end (high watermark) when it was read. */
  readonly end: number;
}

/** Where to read. */
export interface FetchFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
  /** Whether records may be gone (compacted or expired): then reading goes on behind them. */
  readonly gaps?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Fetches from one partition without waiting for more to come. A fetch of one partition gives at least one batch
 * if there is one, so an empty reply below the end means that compaction has left nothing there. On a
 * topic without gaps it means a broker that has to fetch from remote storage first, and is asked again.
 * @throws MilenaError LOG_UNAVAILABLE; LOG_UNSAFE when records that should be there are not.
 */
export async function fetchOne(lane: Lane, from: FetchFrom): Promise<Window> {
  const { topic, partition, offset, maxBytes } = from;
  const request = fetchRequest({ parts: [{ topic, partition, offset }], maxWaitMs: 0, maxBytes });
  return await persist(lane, patience(15_000, from.signal), async () => {
    const { code, parts } = await lane.toLeader(topic, partition, request);
    const [part] = parts;
    if (code !== codes.none) throw new BrokerRefused(code, 'Fetch');
    // A broker that throttles us answers with nothing at all.
    if (part === undefined) throw new BrokerRefused(codes.requestTimedOut, 'Fetch');
    if (part.code === codes.offsetOutOfRange) return await outOfRange(lane, from);
    if (part.code !== codes.none) throw new BrokerRefused(part.code, `Fetch of ${topic}-${partition}`);
    const { records, next } = decodePart(part, offset);
    const end = part.highWatermark;
    if (next > offset || end <= offset) return { records, next, end };
    if (from.gaps !== true) throw new BrokerRefused(codes.requestTimedOut, `Fetch of ${topic}-${partition}`);
    return { records, next: end, end };
  });
}

async function outOfRange(lane: Lane, from: FetchFrom): Promise<Window> {
  const { topic, partition, offset } = from;
  const [start = 0] = await positionsOf(lane, topic, [partition], 'start');
  const [end = 0] = await positionsOf(lane, topic, [partition], 'end');
  if (offset < start && from.gaps === true) return { records: [], next: start, end };
  throw new MilenaError('LOG_UNSAFE', `${topic}-${partition} has lost records.`, {
    log: { topic, partition, offset, start, end },
  });
}
