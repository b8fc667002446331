import { type WireRequest, wireRequest } from './kafkajs-private.ts';
import { WireReader, WireWriter } from './wire.ts';

const api = { key: 0, version: 7, name: 'Produce' };

/** One batch for one partition. */
export interface ProducePart {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

/** What the broker made of a part. */
export interface ProducedPart {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  /** Kafka's offset of the batch's first record, when the code is 0. */
  readonly base: number;
}

/**
 * A produce request (version 7) of at most one batch for each partition, that is answered when all in-sync replicas have the batches.
 * @param timeoutMs how long the broker may wait for them; after that it answers code 7, though it may be written.
 */
export function produceRequest(
  parts: readonly ProducePart[],
  timeoutMs: number,
): WireRequest<readonly ProducedPart[]> {
  const out = new WireWriter(parts.reduce((sum, part) => sum + part.batch.length + 64, 32));
  // No transactional ID: the batches are idempotent, not part of a transaction.
  out.string(null).int16(-1).int32(timeoutMs);
  const byTopic = Map.groupBy(parts, (part) => part.topic);
  out.int32(byTopic.size);
  for (const [topic, ofTopic] of byTopic) {
    out.string(topic).int32(ofTopic.length);
    for (const { partition, batch } of ofTopic) out.int32(partition).int32(batch.length).raw(batch);
  }
  return wireRequest(api, out.done(), readReply);
}

function readReply(payload: Buffer): readonly ProducedPart[] {
  const reader = new WireReader(payload);
  return reader
    .array(() => {
      const topic = reader.string() ?? '';
      return reader.array(() => {
        const part = { topic, partition: reader.int32(), code: reader.int16(), base: reader.int64() };
        reader.raw(16); // log append time and log start offset
        return part;
      });
    })
    .flat();
}
