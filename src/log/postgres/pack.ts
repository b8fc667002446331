import type { NewRecord } from '../port.ts';

/** `part` as the tables hold it. */
export const partNumbers = { chunk: 1, closing: 2 } as const;

/** Records as parameters of a statement: all bytes behind each other, and of each record where its pieces are. */
export interface Packed {
  readonly bytes: Buffer;
  /** Where each record begins in `bytes`, from 1. */
  readonly starts: number[];
  /** Bytes of each record's key, command and value; -1 where the value is null. */
  readonly keys: number[];
  readonly commands: number[];
  readonly values: number[];
  /** Times that never go back. */
  readonly ats: number[];
  readonly origins: number[];
  readonly parts: number[];
  readonly types: string[];
}

/** Packs records; several lists of them may go into one `Packed`, each with times of its own. */
export function pack(...lists: readonly (readonly NewRecord[])[]): Packed {
  const pieces: Uint8Array[] = [];
  const packed = {
    starts: [] as number[],
    keys: [] as number[],
    commands: [] as number[],
    values: [] as number[],
    ats: [] as number[],
    origins: [] as number[],
    parts: [] as number[],
    types: [] as string[],
  };
  let end = 1;
  for (const records of lists) {
    let at = 0;
    for (const record of records) {
      const key = Buffer.from(record.key, 'utf8');
      pieces.push(key);
      if (record.command !== undefined) pieces.push(record.command);
      if (record.value !== null) pieces.push(record.value);
      at = Math.max(at, record.at);
      packed.ats.push(at);
      packed.origins.push(record.origin ?? 0);
      packed.parts.push(record.part === undefined ? 0 : partNumbers[record.part]);
      packed.types.push(record.type);
      packed.starts.push(end);
      packed.keys.push(key.length);
      packed.commands.push(record.command?.length ?? 0);
      packed.values.push(record.value?.length ?? -1);
      end += key.length + (record.command?.length ?? 0) + (record.value?.length ?? 0);
    }
  }
  return { bytes: Buffer.concat(pieces), ...packed };
}

/** An array of numbers as Postgres reads it; the driver's own way quotes and escapes each. */
export function list(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
