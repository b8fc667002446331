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
  /** Whether records may have expired (`ephemeral`): then reading goes on at the oldest there is. */
  readonly expires?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Fetches from one partition without waiting for more to come. Nothing in the reply means that there is nothing
 * from there to the end: a fetch of one partition gives at least one batch if there is one.
 * @throws MilenaError LOG_UNAVAILABLE; LOG_UNSAFE when records that should be there are not.
 */
export async function fetchOne(lane: Lane, from: FetchFrom): Promise<Window> {
  const { topic, partition, offset, maxBytes } = from;
  const request = fetchRequest({ parts: [{ topic, partition, offset }], maxWaitMs: 0, maxBytes });
  return await persist(lane, patience(15_000, from.signal), async () => {
    const { code, parts } = await lane.toLeader(topic, partition, request);
    const [part] = parts;
    if (code !== codes.none || part === undefined) throw new BrokerRefused(code, 'Fetch');
    if (part.code === codes.offsetOutOfRange) return await outOfRange(lane, from);
    if (part.code !== codes.none) throw new BrokerRefused(part.code, `Fetch of ${topic}-${partition}`);
    const { records, next } = decodePart(part, offset);
    const end = part.highWatermark;
    return { records, next: part.bytes.length === 0 ? Math.max(offset, end) : next, end };
  });
}

async function outOfRange(lane: Lane, from: FetchFrom): Promise<Window> {
  const { topic, partition, offset } = from;
  const [start = 0] = await positionsOf(lane, topic, [partition], 'start');
  const [end = 0] = await positionsOf(lane, topic, [partition], 'end');
  if (offset < start && from.expires === true) return { records: [], next: start, end };
  throw new MilenaError('LOG_UNSAFE', `${topic}-${partition} has lost records.`, {
    log: { topic, partition, offset, start, end },
  });
}
