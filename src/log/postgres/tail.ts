import type { LogRecord, Offset } from '../port.ts';
import type { Fetched } from './fetch.ts';

/** What one partition's newest records may take in memory: enough for readers that keep up. */
const maxRecords = 1_000;
const maxBytes = 256 * 1024;

/** Reads stored records from an offset on. */
export type FetchFrom = (from: Offset, to: Offset, limit: number) => Promise<Fetched>;

/**
 * The newest stored records of one partition, shared by all tailing readers of the process. What this process
 * appends comes in as it is acknowledged, so its readers send no query at all; what others append is fetched
 * once, by whoever asks first.
 */
export class PartitionTail {
  readonly #fetch: FetchFrom;
  readonly #end: () => Promise<Offset>;
  readonly #waiting = new Set<() => void>();
  #records: LogRecord[] = [];
  #bytes = 0;
  /** `#records` are all that is stored from here … */
  #start: Offset | undefined;
  /** … to here. */
  #stop: Offset = 0;
  /** Counts the hints that something may stand beyond `#stop`, and those that a fetch has answered. */
  #hints = 1;
  #answered = 0;
  #refreshing: Promise<void> | undefined;

  constructor(fetch: FetchFrom, end: () => Promise<Offset>) {
    this.#fetch = fetch;
    this.#end = end;
  }

  /** Whether any reader waits here. */
  get watched(): boolean {
    return this.#waiting.size > 0;
  }

  /** Takes records that this process has appended. Anything between would be others' and still to be fetched. */
  appended(records: readonly LogRecord[]): void {
    const first = records[0];
    if (first === undefined) return;
    if (this.#start !== undefined && first.offset === this.#stop) this.#push(records);
    else if (first.offset > this.#stop) this.#hints++;
    this.#wake();
  }

  /** Something may have been appended elsewhere. */
  hint(): void {
    this.#hints++;
    this.#wake();
  }

  /** As `hint`, when `next` is where the partition ends now. */
  endsAt(next: Offset): void {
    if (next > this.#stop) this.hint();
  }

  /** Forgets the records in memory: stored ones were deleted. */
  forget(): void {
    this.#records = [];
    this.#bytes = 0;
    if (this.#start !== undefined) this.#start = this.#stop;
  }

  /**
   * The stored records from an offset on, as many as there are now up to the limit.
   * @returns an empty list when there are none yet, and where the reader is then.
   */
  async take(from: Offset, limit: number): Promise<{ records: readonly LogRecord[]; next: Offset }> {
    if (this.#start === undefined) await this.#begin();
    const start = this.#start ?? 0;
    if (from < start) {
      const fetched = await this.#fetch(from, start, limit);
      const last = fetched.records.at(-1);
      // All below `start` had been committed before the fetch, so a complete one reaches it.
      return { records: fetched.records, next: fetched.complete ? start : (last?.offset ?? from) + 1 };
    }
    if (from >= this.#stop && this.#answered !== this.#hints) await this.#refresh();
    if (from < (this.#start ?? 0)) return { records: [], next: from };
    const index = firstFrom(this.#records, from);
    const records = this.#records.slice(index, index + limit);
    return { records, next: Math.max(from, (records.at(-1)?.offset ?? from - 1) + 1) };
  }

  /** Resolves when something may stand at or after the offset, or the signal aborts. */
  async wait(from: Offset, signal: AbortSignal): Promise<void> {
    if (signal.aborted || from < this.#stop || this.#answered !== this.#hints) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  async #begin(): Promise<void> {
    const end = await this.#end();
    if (this.#start !== undefined) return;
    this.#start = end;
    this.#stop = end;
  }

  /** Fetches what stands beyond `#stop`; callers share one fetch. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchMore().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #fetchMore(): Promise<void> {
    const hints = this.#hints;
    const fetched = await this.#fetch(this.#stop, Number.MAX_SAFE_INTEGER, maxRecords);
    // Own appends may have come in meanwhile.
    this.#push(fetched.records.slice(firstFrom(fetched.records, this.#stop)));
    if (fetched.complete) this.#answered = hints;
  }

  #push(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += sizeInMemory(record);
    }
    const last = records.at(-1);
    if (last !== undefined) this.#stop = last.offset + 1;
    if (this.#records.length > maxRecords || this.#bytes > maxBytes) this.#trim();
  }

  /** Drops the oldest half: dropping one at a time would move the array with each append. */
  #trim(): void {
    let dropped = 0;
    while (this.#records.length - dropped > maxRecords / 2 || this.#bytes > maxBytes / 2) {
      const record = this.#records[dropped];
      if (record === undefined) break;
      this.#bytes -= sizeInMemory(record);
      dropped++;
    }
    this.#records = this.#records.slice(dropped);
    this.#start = this.#records[0]?.offset ?? this.#stop;
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

/** The index of the first record at or after an offset. */
function firstFrom(records: readonly LogRecord[], from: Offset): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.offset ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sizeInMemory(record: LogRecord): number {
  return (record.value?.length ?? 0) + record.key.length + 200;
}
