import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { type Codec, fingerprintIn, type Sealed, type StoredFact } from './codec.ts';
import { joinParts } from './facts.ts';
import type { EventLog, LogBatch, LogRecord, ReadOptions, ReadPosition } from './port.ts';
import type { AnyFact } from './records.ts';
import type { SchemaLookup } from './schema-records.ts';
import type { ContentKeys } from './sealing/content-keys.ts';
import type { TopicName } from './topics.ts';

/** A record with what it says. */
export type ReadFact =
  | {
      /** As it stands on the log; a fact in parts is its closing record with the whole value. */
      readonly record: LogRecord;
      readonly fact: AnyFact;
      /** Whether it had content that was erased: `fact.value.sealed` is null then. */
      readonly erased: boolean;
      readonly error?: undefined;
    }
  /** A tombstone: the key has no value any more. */
  | { readonly record: LogRecord; readonly fact: null; readonly erased: false; readonly error?: undefined }
  /** It can't be read; everything after it can. The caller sets it aside. */
  | { readonly record: LogRecord; readonly fact: null; readonly erased: false; readonly error: MilenaError };

/** Some facts in offset order. */
export interface FactBatch {
  readonly topic: TopicName;
  readonly partition: number;
  readonly facts: readonly ReadFact[];
  /** Where to go on reading. */
  readonly next: ReadPosition;
}

/** What reading facts needs. */
export interface FactReaderParts {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly keys: ContentKeys;
  /** Where schemas are looked up that the codec does not know; without it such records can't be read. */
  readonly schemas?: SchemaLookup;
}

/**
 * Reads facts: `EventLog.read` with parts joined, values decoded and content opened. A record that can't be
 * decoded is given with its error and stops nothing; errors of the log itself end the iteration.
 */
export async function* readFacts(
  parts: FactReaderParts,
  topic: TopicName,
  partition: number,
  options: ReadOptions,
): AsyncIterable<FactBatch> {
  for await (const batch of parts.log.read(topic, partition, options)) {
    yield { topic, partition, facts: await readBatch(parts, batch), next: batch.next };
  }
}

/** As `readFacts`, for a batch that was read already. */
export async function readBatch(parts: FactReaderParts, batch: LogBatch): Promise<readonly ReadFact[]> {
  const facts: ReadFact[] = [];
  for (const record of joined(batch.records)) {
    // Without a pause where nothing has to be looked up: an await each costs a third of the reading rate.
    facts.push(readNow(parts, record) ?? (await readLater(parts, record)));
  }
  return facts;
}

/** The fact of a record, or undefined when its block or its schema has to be looked up first. */
function readNow(parts: FactReaderParts, record: LogRecord): ReadFact | undefined {
  try {
    const stored = decode(parts, record);
    if (stored === null) return { record, fact: null, erased: false };
    const sealed = sealedOf(stored);
    if (sealed === undefined) return { record, fact: unsealed(stored), erased: false };
    const text = parts.keys.tryOpen(record.topic, record.partition, record.key, sealed);
    return text === undefined ? undefined : { record, fact: opened(stored, text), erased: text === null };
  } catch (error) {
    return unknownSchema(parts, record) === undefined ? bad(record, error) : undefined;
  }
}

/** The schema's fingerprint, when that is why a record can't be decoded and it can be looked up. */
function unknownSchema({ codec, schemas }: FactReaderParts, { value }: LogRecord): string | undefined {
  const fingerprint = value === null || schemas === undefined ? undefined : fingerprintIn(value);
  return fingerprint === undefined || codec.knows(fingerprint) ? undefined : fingerprint;
}

async function readLater(parts: FactReaderParts, record: LogRecord): Promise<ReadFact> {
  try {
    const unknown = unknownSchema(parts, record);
    if (unknown !== undefined) await parts.schemas?.learn(unknown);
    const stored = decode(parts, record);
    if (stored === null) return { record, fact: null, erased: false };
    const sealed = sealedOf(stored);
    if (sealed === undefined) return { record, fact: unsealed(stored), erased: false };
    const text = await parts.keys.open(record.topic, record.partition, record.key, sealed);
    return { record, fact: opened(stored, text), erased: text === null };
  } catch (error) {
    return bad(record, error);
  }
}

function decode(parts: FactReaderParts, record: LogRecord): StoredFact | null {
  if (record.value === null) return null;
  const stored = parts.codec.decode(record.value);
  if (stored.type === record.type) return stored;
  throw new MilenaError('BAD_RECORD', 'the value of a record is of another type than the record', {
    log: { record: record.type, value: stored.type },
  });
}

function sealedOf(stored: StoredFact): Sealed | undefined {
  return 'sealed' in stored.value ? (stored.value.sealed ?? undefined) : undefined;
}

/** A stored fact whose `sealed` is null or not there: it is the same when opened. */
function unsealed(stored: StoredFact): AnyFact {
  return stored as AnyFact;
}

/** In place: the value was decoded for this reader alone, and a copy of it costs 0.3 KB of garbage a record. */
function opened(stored: StoredFact, sealed: string | null): AnyFact {
  // `sealed` is replaced by its text, which is all that tells the opened shape from the stored one.
  Object.assign(stored.value, { sealed });
  return stored as AnyFact;
}

/** A record's own fault is told with it; anything else (the log is away) ends the reading. */
function bad(record: LogRecord, error: unknown): ReadFact {
  if (!isMilenaError(error, 'BAD_RECORD')) throw error;
  return { record, fact: null, erased: false, error };
}

/** Joins the parts of facts: a batch always holds all of them, closing record last. */
function joined(records: readonly LogRecord[]): readonly LogRecord[] {
  if (!records.some((record) => record.part !== undefined)) return records;
  const whole: LogRecord[] = [];
  let open: LogRecord[] = [];
  for (const record of records) {
    if (record.part === 'chunk') {
      open.push(record);
    } else if (record.part === 'closing') {
      const { part, ...rest } = record;
      whole.push({ ...rest, value: joinParts([...open, record]) });
      open = [];
    } else {
      whole.push(record);
    }
  }
  return whole;
}
