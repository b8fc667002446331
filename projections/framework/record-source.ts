import { isMilenaError } from '../../src/errors/milena-error.ts';
import type { Codec, StoredFact } from '../../src/log/codec.ts';
import type { EventLog, LogRecord, ReadOptions, ReadPosition } from '../../src/log/port.ts';
import type { AnyFact } from '../../src/log/records.ts';
import type { ContentKeys } from '../../src/log/sealing/content-keys.ts';
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
export function createRecordSource(log: EventLog, codec: Codec, keys: ContentKeys): RecordSource {
  return {
    async *read(topic, partition, options) {
      for await (const batch of log.read(topic, partition, options)) {
        const records: SourceRecord[] = [];
        for (const record of batch.records) records.push(await openRecord(record, codec, keys));
        yield { records, next: batch.next };
      }
    },
  };
}

async function openRecord(record: LogRecord, codec: Codec, keys: ContentKeys): Promise<SourceRecord> {
  const { offset, epoch, key, at } = record;
  const base = { offset, epoch, key, at, digest: recordDigest(record) };
  try {
    const fact = record.value === null ? null : await openFact(record, codec.decode(record.value), keys);
    const { topic, partition, command } = record;
    const opened = { topic, partition, offset, key, at, fact, ...(command === undefined ? {} : { command }) };
    return { ...base, opened };
  } catch (error) {
    if (!isMilenaError(error, 'BAD_RECORD')) throw error;
    return { ...base, opened: undefined, unreadable: error.message };
  }
}

function openFact(record: LogRecord, fact: StoredFact, keys: ContentKeys): AnyFact | Promise<AnyFact> {
  const { topic, partition, key } = record;
  const { value } = fact;
  if (!('sealed' in value) || value.sealed === null) return fact as AnyFact; // Nothing in it is sealed.
  const text = keys.tryOpen(topic, partition, key, value.sealed);
  if (text !== undefined) return withText(fact, text);
  return keys.open(topic, partition, key, value.sealed).then((opened) => withText(fact, opened));
}

function withText(fact: StoredFact, sealed: string | null): AnyFact {
  // `Records` differ from `Stored` in the type of `sealed` alone, and that is what is put in here.
  return { type: fact.type, value: { ...fact.value, sealed } } as AnyFact;
}
