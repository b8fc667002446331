import { MilenaError } from '../errors/milena-error.ts';
import type { NewRecord } from './port.ts';

/** Bytes that count against `maxAppendBytes`. */
export function sizeOf(record: NewRecord): number {
  return Buffer.byteLength(record.key) + (record.value?.length ?? 0);
}

/**
 * Splits a record that exceeds one append into chunks and a closing record, to be appended one by one with
 * nothing between. Readers put the values together again (`joinParts`).
 * @returns the record itself when it fits.
 * @throws MilenaError APPEND_TOO_LARGE when not even a chunk of it fits, because its key is too long.
 */
export function splitFact(record: NewRecord, maxAppendBytes: number): readonly NewRecord[] {
  const value = record.value;
  if (value === null || sizeOf(record) <= maxAppendBytes) return [record];
  const room = maxAppendBytes - Buffer.byteLength(record.key);
  if (room <= 0) throw new MilenaError('APPEND_TOO_LARGE');
  const parts = Math.ceil(value.length / room);
  return Array.from({ length: parts }, (_, index) => ({
    ...record,
    value: value.subarray(index * room, (index + 1) * room),
    part: index === parts - 1 ? 'closing' : 'chunk',
  }));
}

/** Puts the values of a fact's chunks and its closing record together. */
export function joinParts(parts: readonly NewRecord[]): Uint8Array {
  return Buffer.concat(parts.map((part) => part.value ?? new Uint8Array()));
}

/**
 * Groups records into appends that each fit, in order. What exceeds one append stands alone in a group, as
 * its parts.
 */
export function groupByAppend(
  records: readonly NewRecord[],
  maxAppendBytes: number,
): readonly (readonly NewRecord[])[] {
  const groups: NewRecord[][] = [];
  let room = 0;
  for (const record of records) {
    const size = sizeOf(record);
    const last = groups.at(-1);
    if (last !== undefined && size <= room) {
      last.push(record);
      room -= size;
    } else {
      groups.push([record]);
      room = maxAppendBytes - size;
    }
  }
  return groups;
}
