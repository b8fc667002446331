import { hash } from 'node:crypto';
import type { LogRecord } from '../../src/log/port.ts';

/**
 * The running digest of a checkpoint: a sum, modulo 2^32 in each of eight lanes, to which every record read adds
 * the SHA-256 of its stored bytes, bound to its offset, key and type. A sum and not a chain, so that the order of
 * work does not matter. It finds what was skipped, doubled or altered by mistake; against forgers there are the
 * log's signed tree heads.
 */
export type Digest = Uint32Array;

const LANES = 8;

/** The digest of no records. */
export function emptyDigest(): Digest {
  return new Uint32Array(LANES);
}

/** What one record adds. 1 µs for a kilobyte: the bytes are hashed where they lie, not copied behind a header. */
export function recordDigest({ offset, key, type, value }: LogRecord): Digest {
  const digest = digestFromBytes(hash('sha256', value ?? '', 'buffer'));
  const name = value === null ? ~textHash(key, textHash(type, 0)) : textHash(key, textHash(type, 0));
  // Odd, so that no bits are lost; another for every offset, so that two records cannot change places.
  const factor = offset * 2 + 1;
  for (let lane = 0; lane < LANES; lane++) digest[lane] = Math.imul((digest[lane] ?? 0) ^ name, factor);
  return digest;
}

/** FNV-1a over UTF-16 units. */
function textHash(text: string, start: number): number {
  let state = start ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  return state;
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
