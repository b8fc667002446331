import { MilenaError } from '../../errors/milena-error.ts';
import { crc32c } from './crc32c.ts';
import { WireReader, WireWriter } from './wire.ts';

/** A record as Kafka knows it. `meta` is its one header, `m` (see `envelope.ts`). */
export interface RawRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  readonly meta: Uint8Array;
}

/** A record read back, at Kafka's own offset (ours are one higher). The bytes are views of the reply. */
export interface StoredRecord {
  readonly offset: number;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly meta: Buffer;
}

/** Who writes a batch: the producer whose sequence it continues, or nobody. */
export interface ProducerStamp {
  readonly id: bigint;
  readonly epoch: number;
  readonly sequence: number;
}

/** For topics that any node writes: no producer, so no fence and no duplicate filter. */
export const noProducer: ProducerStamp = { id: -1n, epoch: -1, sequence: -1 };

// Field positions in a batch of format 2 (org.apache.kafka.common.record.DefaultRecordBatch).
const lengthAt = 8;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const lastDeltaAt = 23;
const countAt = 57;
const recordsAt = 61;

const headerName = Buffer.from('m');

/** Encodes one batch, uncompressed: sealed content does not compress. */
export function encodeBatch(records: readonly RawRecord[], producer: ProducerStamp): Buffer {
  const size = records.reduce(
    (sum, r) => sum + r.key.length + (r.value?.length ?? 0) + r.meta.length + 32,
    0,
  );
  const out = new WireWriter(recordsAt + size);
  const now = Date.now();
  out.int64(0).int32(0).int32(-1).int8(2).int32(0).int16(0);
  out
    .int32(records.length - 1)
    .int64(now)
    .int64(now);
  out.bigint64(producer.id).int16(producer.epoch).int32(producer.sequence).int32(records.length);
  for (const [index, record] of records.entries()) writeRecord(out, record, index);
  const bytes = out.done();
  bytes.writeInt32BE(bytes.length - lengthAt - 4, lengthAt);
  bytes.writeUInt32BE(crc32c(bytes, attributesAt), crcAt);
  return bytes;
}

function writeRecord(out: WireWriter, record: RawRecord, index: number): void {
  const body = new WireWriter(record.key.length + (record.value?.length ?? 0) + record.meta.length + 32);
  // Attributes, then the time delta: the broker stamps the batch (LogAppendTime), so there is none.
  body.int8(0).varint(0).varint(index);
  body.varint(record.key.length).raw(record.key);
  if (record.value === null) body.varint(-1);
  else body.varint(record.value.length).raw(record.value);
  body.varint(1).varint(headerName.length).raw(headerName).varint(record.meta.length).raw(record.meta);
  out.varint(body.length).raw(body.done());
}

/** What a partition's part of a fetch reply holds. */
export interface StoredRecords {
  readonly records: readonly StoredRecord[];
  /**
   * Kafka's offset after the last whole batch, or undefined when there is none. It can lie beyond the last
   * record: compaction leaves gaps, also at the end of a batch.
   */
  readonly next: number | undefined;
}

/**
 * Decodes batches. The last one may be cut off (a fetch ends at a number of bytes): it is left out. Sums are not
 * checked again: the broker checked them when it took the batch, and the bytes came over TCP.
 */
export function decodeBatches(bytes: Buffer, from: number): StoredRecords {
  const records: StoredRecord[] = [];
  let next: number | undefined;
  for (let at = 0; at + recordsAt <= bytes.length; ) {
    const end = at + lengthAt + 4 + bytes.readInt32BE(at + lengthAt);
    if (end > bytes.length) break;
    const base = Number(bytes.readBigInt64BE(at));
    if (bytes[at + magicAt] !== 2) throw new MilenaError('BAD_RECORD', 'A batch of an unknown Kafka format.');
    readBatch(bytes.subarray(at, end), base, from, records);
    next = base + bytes.readInt32BE(at + lastDeltaAt) + 1;
    at = end;
  }
  return { records, next };
}

function readBatch(batch: Buffer, base: number, from: number, into: StoredRecord[]): void {
  const attributes = batch.readInt16BE(attributesAt);
  // Control batches (transaction markers) hold nothing of ours.
  if ((attributes & 0x20) !== 0) return;
  if ((attributes & 0x07) !== 0) {
    throw new MilenaError('BAD_RECORD', 'A compressed batch: the topic needs compression.type=producer.');
  }
  const count = batch.readInt32BE(countAt);
  const reader = new WireReader(batch, recordsAt);
  for (let i = 0; i < count; i++) {
    const end = reader.varint() + reader.at;
    reader.int8();
    reader.varint();
    const offset = base + reader.varint();
    // A fetch gives whole batches, so the first may begin before the offset that was asked for.
    if (offset >= from) into.push(readRecord(reader, offset));
    reader.at = end;
  }
}

function readRecord(reader: WireReader, offset: number): StoredRecord {
  const key = reader.raw(Math.max(0, reader.varint()));
  const length = reader.varint();
  const value = length < 0 ? null : reader.raw(length);
  let meta: Buffer | undefined;
  for (let headers = reader.varint(); headers > 0; headers--) {
    const name = reader.raw(reader.varint());
    const bytes = reader.raw(Math.max(0, reader.varint()));
    if (name.equals(headerName)) meta = bytes;
  }
  if (meta === undefined) throw new MilenaError('BAD_RECORD', 'A record that Milena did not write.');
  return { offset, key, value, meta };
}
