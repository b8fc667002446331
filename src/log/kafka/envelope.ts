import { MilenaError } from '../../errors/milena-error.ts';
import type { LogRecord, NewRecord } from '../port.ts';
import { type TopicName, topics } from '../topics.ts';
import type { RawRecord, StoredRecord } from './record-batch.ts';

/**
 * Kafka's offsets begin at 0, ours at 1: an epoch is the offset of a claim, and epoch 0 means "none". This is
 * added to every offset that comes from Kafka.
 */
export const offsetShift = 1;

/**
 * The type of a record that only makes the broker begin a new segment (see `compaction.ts`). It is written by
 * whoever wants that, owner or not, and no reader ever sees it.
 */
export const rollType = 'kafka_roll';

/** The type of claim records. */
export const claimType = 'claim';

const chunk = 1;
const closing = 2;
const hasCommand = 4;
const hasOrigin = 8;
const formatMask = 0xf0;
const fixedBytes = 13;
const maxUint48 = 2 ** 48;

/**
 * A record's header `m`: one byte of flags (the upper four bits are the format, 0), epoch and `at` as 48-bit
 * integers, 16 bytes of command and a 48-bit origin where the flags say so, and the type in the rest. One
 * header of about 25 bytes instead of six named ones of about 80.
 * @param key Kafka's key, where it is another than the record's (`chunkKey`).
 */
export function toRaw(record: NewRecord, epoch: number, at: number, key?: Uint8Array): RawRecord {
  const { command, origin, part } = record;
  if (command !== undefined && command.length !== 16) throw new TypeError('a command ID has 16 bytes');
  if (!(at >= 0 && at < maxUint48)) throw new RangeError('`at` is not a time');
  const type = Buffer.from(record.type, 'utf8');
  const size = fixedBytes + (command === undefined ? 0 : 16) + (origin === undefined ? 0 : 6) + type.length;
  const meta = Buffer.allocUnsafe(size);
  meta[0] =
    (part === 'chunk' ? chunk : part === 'closing' ? closing : 0) |
    (command === undefined ? 0 : hasCommand) |
    (origin === undefined ? 0 : hasOrigin);
  meta.writeUIntBE(epoch, 1, 6);
  meta.writeUIntBE(at, 7, 6);
  let end = fixedBytes;
  if (command !== undefined) {
    meta.set(command, end);
    end += 16;
  }
  if (origin !== undefined) end = meta.writeUIntBE(origin, end, 6);
  meta.set(type, end);
  return { key: key ?? Buffer.from(record.key, 'utf8'), value: record.value, meta };
}

/** Reads a record back, with our offset. */
export function fromStored(stored: StoredRecord, topic: TopicName, partition: number): LogRecord {
  const { meta } = stored;
  const flags = meta[0];
  if (flags === undefined || meta.length < fixedBytes || (flags & formatMask) !== 0) {
    throw new MilenaError('BAD_RECORD', 'A record header of an unknown format.', {
      log: { topic, partition, offset: stored.offset + offsetShift },
    });
  }
  let end = fixedBytes;
  const command = (flags & hasCommand) === 0 ? undefined : meta.subarray(end, end + 16);
  end += command?.length ?? 0;
  const origin = (flags & hasOrigin) === 0 ? undefined : meta.readUIntBE(end, 6);
  end += origin === undefined ? 0 : 6;
  const part = (flags & chunk) !== 0 ? 'chunk' : (flags & closing) !== 0 ? 'closing' : undefined;
  const offset = stored.offset + offsetShift;
  const type = meta.toString('utf8', end);
  return {
    topic,
    partition,
    offset,
    // A claim's own offset in `rooms` is its epoch: it could not know it when it was written.
    epoch: topic === 'rooms' && type === claimType ? offset : meta.readUIntBE(1, 6),
    key: stored.key.toString('utf8', 0, stored.key.length - (isChunkKey(topic, part) ? chunkSuffix : 0)),
    type,
    at: meta.readUIntBE(7, 6),
    value: stored.value,
    ...(command === undefined ? {} : { command }),
    ...(origin === undefined ? {} : { origin }),
    ...(part === undefined ? {} : { part }),
  };
}

/** What `chunkKey` adds: 48 bits of epoch and 48 of sequence. */
const chunkSuffix = 12;

/**
 * Kafka's key of a chunk on a compacted topic. Parts of a fact have one key; were it Kafka's too, compaction would
 * leave the closing record alone and the fact void. So each chunk has a key of its own, which replaces
 * nothing; `compaction.ts` removes those that are no longer needed.
 * @param number unique among the chunks of this claim in this partition.
 */
export function chunkKey(key: string, epoch: number, number: number): Buffer {
  const length = Buffer.byteLength(key);
  const bytes = Buffer.allocUnsafe(length + chunkSuffix);
  bytes.write(key, 'utf8');
  bytes.writeUIntBE(epoch, length, 6);
  bytes.writeUIntBE(number, length + 6, 6);
  return bytes;
}

/** Whether a record's key in Kafka is a `chunkKey`. */
export function isChunkKey(topic: TopicName, part: NewRecord['part']): boolean {
  return part === 'chunk' && topics[topic].kept === 'compacted';
}

/** Stored records as the port has them, without those that only this adapter knows. */
export function toRecords(
  stored: readonly StoredRecord[],
  topic: TopicName,
  partition: number,
): readonly LogRecord[] {
  const records: LogRecord[] = [];
  for (const one of stored) {
    const record = fromStored(one, topic, partition);
    if (record.type !== rollType) records.push(record);
  }
  return records;
}
