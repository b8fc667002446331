import { channel } from 'node:diagnostics_channel';
import type { TopicName } from '../log/topics.ts';

/** Published for each append: `{ topic, decisions, records, ms }`. */
const appends = channel('milena:owner:append');

/** One decision's facts, waiting for the log. */
interface Waiting<F> {
  readonly facts: readonly F[];
  readonly bytes: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Appends facts to one topic of a slot; resolves with their offsets. */
export type Append<F> = (topic: TopicName, facts: readonly F[]) => Promise<readonly number[]>;

/**
 * Group commit with an output gate (architecture, section 4): one append in flight; decisions made meanwhile
 * wait and go together in the next. A promise resolves only when the log has the facts. When an append fails,
 * everything decided on top of it fails with it, and the lane takes nothing more.
 */
export class GroupCommit<F> {
  private waiting: Waiting<F>[] = [];
  private inFlight = false;
  private failure: unknown;
  private readonly topic: TopicName;
  private readonly append: Append<F>;
  private readonly failed: (error: unknown) => void;
  private readonly maxBytes: number;

  /**
   * @param maxBytes what fits one atomic append, as far as it can be told before encoding.
   * @param failed called once, before the waiting decisions are rejected.
   */
  constructor(topic: TopicName, append: Append<F>, maxBytes: number, failed: (error: unknown) => void) {
    this.topic = topic;
    this.append = append;
    this.maxBytes = maxBytes;
    this.failed = failed;
  }

  /**
   * Hands in the facts of one decision; resolves with the offset of the last of them.
   * @param bytes what they take on the log, rather too many than too few.
   */
  commit(facts: readonly F[], bytes: number): Promise<number> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ facts, bytes, resolve, reject });
      // A microtask later, so that decisions of the same turn share an append.
      if (!this.inFlight) {
        this.inFlight = true;
        queueMicrotask(() => void this.run());
      }
    });
  }

  /** Whether anything is waiting or under way. */
  get busy(): boolean {
    return this.inFlight;
  }

  /** Fails what waits, as when the slot is lost. */
  fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error ?? new Error('the lane was closed');
    const rejected = this.waiting;
    this.waiting = [];
    for (const one of rejected) one.reject(this.failure);
  }

  /** Whole decisions only, as many as one append takes: a decision is on the log entirely or not at all. */
  private take(): readonly Waiting<F>[] {
    let bytes = 0;
    let count = 0;
    for (const one of this.waiting) {
      bytes += one.bytes;
      if (count > 0 && bytes > this.maxBytes) break;
      count += 1;
    }
    return this.waiting.splice(0, count);
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.take();
      const facts = batch.flatMap((one) => one.facts);
      const started = performance.now();
      try {
        const offsets = await this.append(this.topic, facts);
        appends.publish({
          topic: this.topic,
          decisions: batch.length,
          records: facts.length,
          ms: performance.now() - started,
        });
        answer(batch, offsets);
      } catch (error) {
        this.failed(error);
        this.fail(error);
        for (const one of batch) one.reject(error);
      }
    }
    this.inFlight = false;
  }
}

function answer<F>(batch: readonly Waiting<F>[], offsets: readonly number[]): void {
  let next = 0;
  for (const one of batch) {
    next += one.facts.length;
    one.resolve(offsets[next - 1] ?? 0);
  }
}
