import { toPostgresText } from './postgres-text.ts';

/**
 * Columns of values as binary Postgres arrays, for `INSERT … SELECT FROM unnest($1::int8[], $2::text[])`.
 * Binary, because quoting a text array in JavaScript costs more than Postgres takes to insert its rows.
 */

const INT8 = 20;
const TEXT = 25;
const BYTEA = 17;
const BOOL = 16;
const HEADER = 20;

/** An `int8[]`. Values are safe integers. */
export function int8Column(values: readonly (number | null)[]): Buffer {
  const out = start(INT8, values.length, values.length * 12);
  let at = HEADER;
  for (const value of values) {
    if (value === null) {
      at = out.writeInt32BE(-1, at);
    } else {
      at = out.writeInt32BE(8, at);
      // Two 32-bit halves: a quarter of the time of writeBigInt64BE.
      at = out.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
      at = out.writeUInt32BE(value >>> 0, at);
    }
  }
  return out.subarray(0, at);
}

/** A `text[]`; escaped as `postgres-text.ts` says. */
export function textColumn(values: readonly (string | null)[]): Buffer {
  let bytes = values.length * 4;
  // At most three bytes a UTF-16 unit; an escape adds one to the four of its pair, or makes five of one.
  for (const value of values) bytes += value === null ? 0 : value.length * 5;
  const out = start(TEXT, values.length, bytes);
  let at = HEADER;
  for (const value of values) {
    if (value === null) {
      at = out.writeInt32BE(-1, at);
    } else {
      const length = out.write(toPostgresText(value), at + 4);
      out.writeInt32BE(length, at);
      at += 4 + length;
    }
  }
  return out.subarray(0, at);
}

/** A `bytea[]`. */
export function byteaColumn(values: readonly (Uint8Array | null)[]): Buffer {
  let bytes = values.length * 4;
  for (const value of values) bytes += value?.length ?? 0;
  const out = start(BYTEA, values.length, bytes);
  let at = HEADER;
  for (const value of values) {
    at = out.writeInt32BE(value === null ? -1 : value.length, at);
    if (value !== null) {
      out.set(value, at);
      at += value.length;
    }
  }
  return out;
}

/** A `bool[]`. */
export function boolColumn(values: readonly (boolean | null)[]): Buffer {
  const out = start(BOOL, values.length, values.length * 5);
  let at = HEADER;
  for (const value of values) {
    at = out.writeInt32BE(value === null ? -1 : 1, at);
    if (value !== null) at = out.writeUInt8(value ? 1 : 0, at);
  }
  return out.subarray(0, at);
}

/** One dimension, nulls allowed, lower bound 1. */
function start(oid: number, count: number, bytes: number): Buffer {
  const out = Buffer.allocUnsafe(HEADER + bytes);
  out.writeInt32BE(1, 0);
  out.writeInt32BE(1, 4);
  out.writeInt32BE(oid, 8);
  out.writeInt32BE(count, 12);
  out.writeInt32BE(1, 16);
  return out;
}
