import { setTimeout as sleep } from 'node:timers/promises';
import { isHeard, tell } from './channels.ts';
import type { FeedCursor, PartitionFeed } from './partition-feed.ts';
import { PartitionProjection, type ProjectionTarget } from './partition-projection.ts';
import type { Positions } from './positions.ts';
import type { RecordSource } from './record-source.ts';
import type { Semaphore } from './semaphore.ts';

/** The most records of a batch. A lone record is a batch of its own; what gathers meanwhile is the next. */
const MOST_RECORDS = 2_000;

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** What a loop shares with the others of its process. */
export interface LoopParts {
  readonly target: ProjectionTarget;
  readonly feed: PartitionFeed;
  readonly source: RecordSource;
  readonly positions: Positions;
  /** How long records may gather when nobody waits for them and the last batch is not older, milliseconds. */
  readonly gatherMs: number;
  /** As many permits as connections: records gather in the feed while all are busy, not in a queue of batches. */
  readonly permits: Semaphore;
}

/** Follows one partition with one model, until it is stopped: retries outages, pauses, takes poison up again. */
export class PartitionLoop {
  readonly target: ProjectionTarget;
  readonly #parts: LoopParts;
  readonly #stop = new AbortController();
  #interrupt = new AbortController();
  #paused: boolean;
  #retryWanted = false;
  #retryMs = FIRST_RETRY_MS;
  #committedAt = 0;
  readonly #running: Promise<void>;

  constructor(parts: LoopParts, paused: boolean) {
    this.target = parts.target;
    this.#parts = parts;
    this.#paused = paused;
    this.#running = this.#run();
  }

  /** Stops or resumes at the next batch. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#interrupt.abort();
  }

  /** Tries what is set aside again, soon. */
  retryPoison(): void {
    this.#retryWanted = true;
    this.#interrupt.abort();
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#interrupt.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const projection = await PartitionProjection.open(this.target);
        if (projection === undefined) return;
        await this.#follow(projection);
      } catch (error) {
        await this.#waitAfter(error);
      }
    }
  }

  async #follow(projection: PartitionProjection): Promise<void> {
    const cursor = this.#parts.feed.cursor(projection.checkpoint.position);
    this.#moved(projection);
    try {
      while (!this.#stop.signal.aborted) {
        this.#interrupt = new AbortController();
        if (this.#paused) await aborted(this.#interrupt.signal);
        else if (this.#retryWanted) await this.#retry(projection);
        else if (await cursor.ready(this.#interrupt.signal)) {
          await this.#gather();
          await this.#commitNext(projection, cursor);
        }
      }
    } finally {
      await cursor.close();
    }
  }

  /**
   * A busy partition's records are committed together: a batch costs as much as twenty rows. A lone record goes
   * at once, and nobody who waits is kept waiting.
   */
  async #gather(): Promise<void> {
    const left = this.#committedAt + this.#parts.gatherMs - performance.now();
    if (left < 1) return;
    const { model, topic, partition } = this.target;
    await this.#parts.positions.wanted(model.name, topic, partition, left);
  }

  async #retry(projection: PartitionProjection): Promise<void> {
    this.#retryWanted = false;
    if (projection.poisoned) await projection.retry(this.#parts.source);
  }

  async #commitNext(projection: PartitionProjection, cursor: FeedCursor): Promise<void> {
    using _permit = await this.#parts.permits.acquire();
    const began = performance.now();
    const batch = cursor.take(MOST_RECORDS);
    await projection.commit(batch);
    this.#committedAt = began;
    this.#moved(projection);
    this.#retryMs = FIRST_RETRY_MS;
    if (!isHeard('batch')) return;
    const { model, schema, topic, partition } = this.target;
    tell('batch', {
      model: model.name,
      schema,
      topic,
      partition,
      records: batch.records.length,
      ms: performance.now() - began,
      next: batch.next.offset,
      // A clock that was set back is behind what it has stamped.
      late: Math.max(0, Date.now() - projection.checkpoint.lastAt),
    });
  }

  #moved(projection: PartitionProjection): void {
    const { model, topic, partition } = this.target;
    this.#parts.positions.moved(model.name, topic, partition, projection.checkpoint.position.offset);
  }

  async #waitAfter(error: unknown): Promise<void> {
    const { model, schema, topic, partition } = this.target;
    const retryMs = this.#retryMs;
    tell('error', { model: model.name, schema, topic, partition, error, retryMs });
    this.#retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
