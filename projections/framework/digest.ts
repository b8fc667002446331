import { hash } from 'node:crypto';
import type { LogRecord } from '../../src/log/port.ts';

/**
 * The running digest of a checkpoint: the sum, modulo 2^32 in each of eight lanes, of a SHA-256 for every record
 * read: over its offset, key, type and stored bytes. A sum and not a chain, so that partitions' parts can be
 * added and the order of work does not matter. It finds what was skipped, doubled or altered by mistake; against
 * forgers there are the log's signed tree heads.
 */
export type Digest = Uint32Array;

const LANES = 8;

/** The digest of no records. */
export function emptyDigest(): Digest {
  return new Uint32Array(LANES);
}

/** What one record adds. 1 µs for a kilobyte. */
export function recordDigest(record: LogRecord): Digest {
  const head = `${record.offset}\0${record.key}\0${record.type}\0${record.part ?? ''}\0`;
  const bytes = record.value === null ? head : Buffer.concat([Buffer.from(head), record.value]);
  return digestFromBytes(hash('sha256', bytes, 'buffer'));
}

/** Adds `other` to `sum`, in place. */
export function addDigest(sum: Digest, other: Digest): void {
  for (let lane = 0; lane < LANES; lane++) sum[lane] = (sum[lane] ?? 0) + (other[lane] ?? 0);
}

/** 32 bytes, lanes big-endian, for a `bytea`. */
export function digestToBytes(digest: Digest): Buffer {
  const bytes = Buffer.allocUnsafe(LANES * 4);
  for (let lane = 0; lane < LANES; lane++) bytes.writeUInt32BE(digest[lane] ?? 0, lane * 4);
  return bytes;
}

/** The digest that has these 32 bytes. */
export function digestFromBytes(bytes: Buffer): Digest {
  const digest = emptyDigest();
  for (let lane = 0; lane < LANES; lane++) digest[lane] = bytes.readUInt32BE(lane * 4);
  return digest;
}
