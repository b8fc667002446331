import type { LogRecord, Offset, ReadPosition } from './port.ts';

/** What a void filter let through. */
export interface Valid {
  readonly records: readonly LogRecord[];
  /** Where to go on: behind all that was given, or at the first chunk of a fact that is still open. */
  readonly next: ReadPosition;
}

/** Leaves out of one partition what no reader may see. Given every record as stored, in offset order. */
export interface VoidFilter {
  /**
   * Takes the next stored records. A fact's chunks come out together with its closing record, never before.
   * @param end where the given records end, when that is beyond the last of them (gaps, compacted records).
   */
  take(stored: readonly LogRecord[], end?: Offset): Valid;
  /** Where to go on reading if nothing more is taken. */
  readonly next: ReadPosition;
}

/**
 * Makes the filter that all adapters read through. Left out are:
 * - claim records, which fence and say nothing;
 * - records of a lower epoch than a claim before them: their writer had been fenced;
 * - chunks that are not followed, with nothing valid between, by more chunks and a closing record of the same
 *   epoch, key and type; and a closing record without chunks.
 */
export function voidFilter(from: ReadPosition): VoidFilter {
  let epoch = from.epoch;
  let end = from.offset;
  /** The chunks of a fact that is not closed yet. */
  let open: LogRecord[] = [];

  const takeOne = (record: LogRecord, valid: LogRecord[]): void => {
    if (record.type === 'claim') {
      if (record.epoch <= epoch) return;
      epoch = record.epoch;
      open = [];
    } else if (record.epoch < epoch) {
      // A fenced writer's record breaks nothing: it does not count as standing between chunks.
    } else if (record.part === undefined) {
      open = [];
      valid.push(record);
    } else {
      const goesOn = open[0] !== undefined && sameFact(open[0], record);
      if (record.part === 'chunk') {
        if (goesOn) open.push(record);
        else open = [record];
      } else {
        if (goesOn) for (const part of [...open, record]) valid.push(part);
        open = [];
      }
    }
  };
  const position = (): ReadPosition => ({ offset: open[0]?.offset ?? end, epoch });
  return {
    take(stored, givenEnd) {
      const valid: LogRecord[] = [];
      for (const record of stored) takeOne(record, valid);
      end = Math.max(end, givenEnd ?? 0, (stored.at(-1)?.offset ?? -1) + 1);
      return { records: valid, next: position() };
    },
    get next() {
      return position();
    },
  };
}

function sameFact(first: LogRecord, record: LogRecord): boolean {
  return first.epoch === record.epoch && first.key === record.key && first.type === record.type;
}
