import { MilenaError } from '../../src/errors/milena-error.ts';
import { type FactReaderParts, type ReadFact, readFacts } from '../../src/log/fact-reader.ts';
import type { ReadOptions, ReadPosition } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { type Digest, recordDigest } from './digest.ts';
import type { OpenedRecord } from './model.ts';

/** A record of the log as the framework handles it: opened, or why that failed. */
export interface SourceRecord {
  readonly offset: number;
  readonly epoch: number;
  readonly key: string;
  readonly at: number;
  /** Over the stored bytes, so that a record counts the same whether it can be read or not. */
  readonly digest: Digest;
  /** Undefined when the record cannot be read. */
  readonly opened: OpenedRecord | undefined;
  /** Why it cannot be read. */
  readonly unreadable?: string;
}

/** Some records in log order, and where to go on. */
export interface SourceBatch {
  readonly records: readonly SourceRecord[];
  readonly next: ReadPosition;
}

/** Reads partitions of the log with every record decoded and opened once, for however many models. */
export interface RecordSource {
  read(topic: TopicName, partition: number, options: ReadOptions): AsyncIterable<SourceBatch>;
}

/** The source behind all models of a process. */
export function createRecordSource(parts: FactReaderParts): RecordSource {
  return {
    async *read(topic, partition, options) {
      for await (const batch of readFacts(parts, topic, partition, options)) {
        yield { records: batch.facts.map(sourceRecord), next: batch.next };
      }
    },
  };
}

/**
 * Reads all up to an offset. A read that ends before (the log was closed) is an error here, since what is not
 * read would pass for not being there; ended by `signal`, it just stops.
 * @throws MilenaError LOG_UNAVAILABLE
 */
export async function* readAllUpTo(
  source: RecordSource,
  topic: TopicName,
  partition: number,
  options: ReadOptions & { readonly to: number },
): AsyncGenerator<SourceBatch, void, undefined> {
  let reached = options.from.offset;
  for await (const batch of source.read(topic, partition, options)) {
    reached = batch.next.offset;
    yield batch;
  }
  if (reached >= options.to || options.signal?.aborted === true) return;
  throw new MilenaError('LOG_UNAVAILABLE', `reading ${topic}/${partition} ended at ${reached}`);
}

/** Without copies of objects on the way: they would be a twentieth of all garbage of a rebuild. */
function sourceRecord({ record, fact, error }: ReadFact): SourceRecord {
  const { topic, partition, offset, epoch, key, at, command } = record;
  const digest = recordDigest(record);
  if (error !== undefined) {
    return { offset, epoch, key, at, digest, opened: undefined, unreadable: error.message };
  }
  const opened: OpenedRecord =
    command === undefined
      ? { topic, partition, offset, key, at, fact }
      : { topic, partition, offset, key, at, fact, command };
  return { offset, epoch, key, at, digest, opened };
}
