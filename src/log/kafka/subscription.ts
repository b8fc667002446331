import type { LogRecord, Offset } from '../port.ts';
import { offsetShift } from './envelope.ts';

/** How much waits for one reader before it is sent away to fetch for itself: it must not fill the memory. */
const maxWaiting = { records: 20_000, bytes: 8 << 20 };

/** Stored records at our offsets, and where to go on. */
export interface Piece {
  readonly records: readonly LogRecord[];
  readonly next: Offset;
}

/** One reader's place at the end of a partition. */
export class Subscription implements Disposable {
  readonly #leave: () => void;
  /** Where the reader is, at our offsets: what stands before it has been given to it. */
  #next: Offset;
  #waiting: Piece[] = [];
  #records = 0;
  #bytes = 0;
  #lost = false;
  #wake: (() => void) | undefined;

  /** @param from Kafka's own offset. */
  constructor(from: number, leave: () => void) {
    this.#next = from + offsetShift;
    this.#leave = leave;
  }

  /** Takes what was fetched; `next` is Kafka's own offset. */
  push(records: readonly LogRecord[], next: number): void {
    if (this.#lost) return;
    const from = this.#next;
    const first = records[0];
    const mine =
      first !== undefined && first.offset < from ? records.filter((one) => one.offset >= from) : records;
    if (next + offsetShift <= from) return;
    this.#next = next + offsetShift;
    this.#waiting.push({ records: mine, next: this.#next });
    this.#records += mine.length;
    for (const record of mine) this.#bytes += (record.value?.length ?? 0) + record.key.length;
    if (this.#records > maxWaiting.records || this.#bytes > maxWaiting.bytes) this.lose();
    this.#wake?.();
  }

  /** Nothing more comes; what waits is still given. The reader goes on from there by fetching for itself. */
  lose(): void {
    this.#lost = true;
    this.#leave();
    this.#wake?.();
  }

  /** What comes, until the subscription is lost or the signal aborts. */
  async *pieces(signal: AbortSignal): AsyncIterable<Piece> {
    while (!signal.aborted) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#records = 0;
      this.#bytes = 0;
      yield* waiting;
      if (this.#waiting.length > 0) continue;
      if (this.#lost) return;
      await this.#something(signal);
    }
  }

  async #something(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
    });
  }

  [Symbol.dispose](): void {
    this.#lost = true;
    this.#leave();
    this.#wake?.();
  }
}
