import type { TopicName } from '../../src/log/topics.ts';

/** Told when a model has got further in a partition: `next` is the first offset not in it. */
export type PositionListener = (model: string, topic: TopicName, partition: number, next: number) => void;

interface Waiter {
  readonly offset: number;
  readonly resolve: (reached: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

interface Position {
  next: number;
  readonly waiters: Set<Waiter>;
  /** Those who want to know of a waiter. */
  readonly watchers: Set<() => void>;
}

/**
 * How far every model has got, as this process knows it, and who waits for more. Moved by the projectors of
 * this process and by what others announce, so nobody asks Postgres while waiting.
 */
export class Positions {
  readonly #positions = new Map<string, Position>();
  readonly #listeners = new Set<PositionListener>();

  /** The first offset of the partition that is not in the model; 0 when nothing is known. */
  next(model: string, topic: TopicName, partition: number): number {
    return this.#positions.get(keyOf(model, topic, partition))?.next ?? 0;
  }

  /** A model has got to `next`. Positions never go back here, except by `reset`. */
  moved(model: string, topic: TopicName, partition: number, next: number): void {
    const position = this.#at(model, topic, partition);
    if (next <= position.next) return;
    position.next = next;
    for (const waiter of position.waiters) {
      if (waiter.offset < next) finish(position, waiter, true);
    }
    for (const listener of this.#listeners) listener(model, topic, partition, next);
  }

  /** Another schema has become active: the model stands where that one does. */
  reset(model: string, topic: TopicName, partition: number, next: number): void {
    this.#at(model, topic, partition).next = 0;
    this.moved(model, topic, partition, next);
  }

  /**
   * Resolves true as soon as the model has applied the record at `offset` (at once when it has), false after
   * `timeoutMs`.
   */
  waitFor(
    model: string,
    topic: TopicName,
    partition: number,
    offset: number,
    timeoutMs: number,
  ): Promise<boolean> {
    const position = this.#at(model, topic, partition);
    if (position.next > offset) return Promise.resolve(true);
    if (timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => finish(position, waiter, false), timeoutMs);
      const waiter: Waiter = { offset, resolve, timer };
      position.waiters.add(waiter);
      for (const watcher of position.watchers) watcher();
    });
  }

  /** Resolves when somebody waits for the partition (at once when somebody does), or after `timeoutMs`. */
  wanted(model: string, topic: TopicName, partition: number, timeoutMs: number): Promise<void> {
    const { waiters, watchers } = this.#at(model, topic, partition);
    if (waiters.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        watchers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      watchers.add(done);
    });
  }

  /** Calls `listener` at every move, until the returned function is called. */
  listen(listener: PositionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #at(model: string, topic: TopicName, partition: number): Position {
    const key = keyOf(model, topic, partition);
    let position = this.#positions.get(key);
    if (position === undefined) {
      position = { next: 0, waiters: new Set(), watchers: new Set() };
      this.#positions.set(key, position);
    }
    return position;
  }
}

function keyOf(model: string, topic: TopicName, partition: number): string {
  return `${model}/${topic}/${partition}`;
}

function finish(position: Position, waiter: Waiter, reached: boolean): void {
  clearTimeout(waiter.timer);
  position.waiters.delete(waiter);
  waiter.resolve(reached);
}
