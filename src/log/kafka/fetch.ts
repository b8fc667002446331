import { type WireRequest, wireRequest } from './kafkajs-private.ts';
import { decodeBatches, type StoredRecord } from './record-batch.ts';
import { WireReader, WireWriter } from './wire.ts';

const api = { key: 1, version: 11, name: 'Fetch' };

/** A partition to fetch from, at Kafka's own offset. */
export interface FetchPart {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A fetch. */
export interface FetchOptions {
  readonly parts: readonly FetchPart[];
  /** How long the broker waits for the first byte; 0 answers at once. */
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  /** The broker's memory of what we fetch (KIP-227): only changes go over the wire. Left out: no session. */
  readonly session?: { readonly id: number; readonly epoch: number };
  /** Partitions to drop from the session. */
  readonly forgotten?: readonly { readonly topic: string; readonly partition: number }[];
}

/** A reply. */
export interface Fetched {
  readonly code: number;
  /** Milliseconds that the broker wants us to pause; kafkajs sees to it. */
  readonly clientSideThrottleTime: number;
  readonly sessionId: number;
  readonly parts: readonly FetchedPart[];
}

/** What a partition had. */
export interface FetchedPart {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  /** Kafka's offset behind the last record that all in-sync replicas have. */
  readonly highWatermark: number;
  /** Kafka's offset of the first record there still is. */
  readonly logStart: number;
  /** The batches, undecoded (`decodePart`). */
  readonly bytes: Buffer;
}

/**
 * A fetch request (version 11), reading uncommitted: we write no transactions, and `read_committed` would stop
 * at the last stable offset, which is not the end.
 */
export function fetchRequest(options: FetchOptions): WireRequest<Fetched> {
  const { parts, session } = options;
  const out = new WireWriter(64 + parts.length * 64);
  out.int32(-1).int32(options.maxWaitMs).int32(1).int32(options.maxBytes).int8(0);
  out.int32(session?.id ?? 0).int32(session?.epoch ?? -1);
  const byTopic = Map.groupBy(parts, (part) => part.topic);
  out.int32(byTopic.size);
  for (const [topic, ofTopic] of byTopic) {
    out.string(topic).int32(ofTopic.length);
    for (const { partition, offset } of ofTopic) {
      out.int32(partition).int32(-1).int64(offset).int64(-1).int32(options.maxBytes);
    }
  }
  const forgotten = Map.groupBy(options.forgotten ?? [], (part) => part.topic);
  out.int32(forgotten.size);
  for (const [topic, ofTopic] of forgotten) {
    out.string(topic).int32(ofTopic.length);
    for (const { partition } of ofTopic) out.int32(partition);
  }
  out.string('');
  return { ...wireRequest(api, out.done(), readReply), requestTimeout: options.maxWaitMs + 5_000 };
}

function readReply(payload: Buffer): Fetched {
  const reader = new WireReader(payload);
  const clientSideThrottleTime = reader.int32();
  const code = reader.int16();
  const sessionId = reader.int32();
  const parts = reader.array(() => {
    const topic = reader.string() ?? '';
    return reader.array(() => readPart(reader, topic));
  });
  return { code, clientSideThrottleTime, sessionId, parts: parts.flat() };
}

function readPart(reader: WireReader, topic: string): FetchedPart {
  const partition = reader.int32();
  const code = reader.int16();
  const highWatermark = reader.int64();
  reader.int64(); // last stable offset
  const logStart = reader.int64();
  for (let aborted = reader.int32(); aborted > 0; aborted--) reader.raw(16);
  reader.int32(); // preferred read replica
  const bytes = reader.raw(Math.max(0, reader.int32()));
  return { topic, partition, code, highWatermark, logStart, bytes };
}

/** The records of a part, from the offset that was asked for on, and Kafka's offset to go on from. */
export function decodePart(
  part: FetchedPart,
  from: number,
): { readonly records: readonly StoredRecord[]; readonly next: number } {
  const { records, next } = decodeBatches(part.bytes, from);
  return { records, next: Math.max(from, next ?? from) };
}
