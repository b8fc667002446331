import type { TopicName } from '../../src/log/topics.ts';
import type { Database } from './database.ts';
import type { ReadModel } from './model.ts';
import { PartitionFeed } from './partition-feed.ts';
import { PartitionLoop } from './partition-loop.ts';
import type { Positions } from './positions.ts';
import type { RecordSource } from './record-source.ts';
import { isUsable, type RegisteredModel } from './registry.ts';
import { Semaphore } from './semaphore.ts';

/** What a runner works with. */
export interface RunnerParts {
  readonly database: Database;
  readonly source: RecordSource;
  readonly positions: Positions;
  readonly models: readonly ReadModel[];
  readonly slots: number;
  /** The log's. */
  readonly generation: string;
  /** See `LoopParts`. */
  readonly gatherMs: number;
}

interface Running {
  readonly schema: string;
  readonly loops: readonly PartitionLoop[];
}

/** Runs the loops of the partitions that this process holds: one for each model and topic. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #permits: Semaphore;
  readonly #feeds = new Map<string, PartitionFeed>();
  readonly #partitions = new Set<number>();
  /** By model and partition. */
  readonly #running = new Map<string, Running>();
  #registered: ReadonlyMap<string, RegisteredModel> = new Map();
  #work: Promise<unknown> = Promise.resolve();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#permits = new Semaphore(parts.database.options.writers ?? 3);
  }

  /** One partition's records for whoever wants to follow them in this process; decoded once. */
  feed(topic: TopicName, partition: number): PartitionFeed {
    const key = `${topic}/${partition}`;
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      feed = new PartitionFeed(this.#parts.source, topic, partition);
      this.#feeds.set(key, feed);
    }
    return feed;
  }

  /** Begins with a partition, for all models. */
  gained(partition: number): void {
    this.#partitions.add(partition);
    void this.#serially(() => this.#settle());
  }

  /** Ends with a partition. Resolves when nothing of it is under way. */
  async lost(partition: number): Promise<void> {
    this.#partitions.delete(partition);
    await this.#serially(() => this.#settle());
  }

  /** Takes in which schemas are active and which models are paused. */
  async update(registered: ReadonlyMap<string, RegisteredModel>): Promise<void> {
    this.#registered = registered;
    await this.#serially(() => this.#settle());
  }

  /** Has a model try again what it has set aside. */
  retryPoison(model: string): void {
    for (const { loops } of this.#running.values()) {
      for (const loop of loops) if (loop.target.model.name === model) loop.retryPoison();
    }
  }

  /** Ends all loops and feeds. */
  async stop(): Promise<void> {
    this.#partitions.clear();
    await this.#serially(() => this.#settle());
    for (const feed of this.#feeds.values()) feed.close();
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#work.then(work);
    this.#work = next.catch(() => undefined);
    return next;
  }

  async #settle(): Promise<void> {
    const wanted = new Map<string, { readonly model: ReadModel; readonly partition: number }>();
    for (const model of this.#parts.models) {
      // A schema that other code has made is left to the processes that run that code.
      if (!isUsable(model, this.#registered.get(model.name), this.#parts.generation)) continue;
      for (const partition of this.#partitions)
        wanted.set(`${model.name}/${partition}`, { model, partition });
    }
    const ended: Promise<void>[] = [];
    for (const [key, { schema, loops }] of this.#running) {
      const target = wanted.get(key);
      if (target !== undefined && this.#registered.get(target.model.name)?.active_schema === schema) continue;
      this.#running.delete(key);
      ended.push(...loops.map((loop) => loop.stop()));
    }
    await Promise.all(ended);
    for (const [key, { model, partition }] of wanted) this.#start(key, model, partition);
  }

  #start(key: string, model: ReadModel, partition: number): void {
    const { database, source, positions, slots, gatherMs } = this.#parts;
    const registered = this.#registered.get(model.name);
    if (registered === undefined) return;
    const { active_schema: schema, paused } = registered;
    const running = this.#running.get(key);
    if (running !== undefined) {
      for (const loop of running.loops) loop.pause(paused);
      return;
    }
    const loops = model.topics.map((topic) => {
      const target = { database, model, schema, topic, partition, slots };
      const feed = this.feed(topic, partition);
      const parts = { target, feed, source, positions, gatherMs, permits: this.#permits };
      return new PartitionLoop(parts, paused);
    });
    this.#running.set(key, { schema, loops });
  }
}
