import type { ReadPosition } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { PartitionProjection, type ProjectionTarget } from './partition-projection.ts';
import { schemaCheckpoints } from './rebuild-switch.ts';
import { type RecordSource, readAllUpTo } from './record-source.ts';

/**
 * Records of a batch while loading, unless told otherwise. Larger ones are slower: at 5,000 the records of three
 * workers outlive the young generation, and collecting them takes longer than all else.
 */
const BATCH = 1_000;

/** Batches that are made while others are committed. */
const WORKERS = 3;

/** How a build is loaded. */
export interface LoadOptions {
  readonly source: RecordSource;
  readonly signal: AbortSignal;
  /** The most records of a batch. */
  readonly batchSize?: number;
  /** A seed: partitions take turns at random, with batches of random size. For tests. */
  readonly seed?: number;
  /** Told after every batch. */
  readonly onBatch: (records: number) => void;
}

/** Where to stop in a partition. */
export interface Bound {
  readonly topic: TopicName;
  readonly partition: number;
  readonly to: ReadPosition;
}

/** A schema being built: its projections, kept so that their caches serve the catching up too. */
export class Build {
  readonly #target: Omit<ProjectionTarget, 'topic' | 'partition'>;
  readonly #projections = new Map<string, PartitionProjection>();

  constructor(target: Omit<ProjectionTarget, 'topic' | 'partition'>) {
    this.#target = target;
  }

  /** Brings every partition to its bound, exactly. @returns the records read. */
  async load(bounds: readonly Bound[], options: LoadOptions): Promise<number> {
    const runs = await Promise.all(bounds.map((bound) => this.#run(bound, options)));
    const turn = options.seed === undefined ? undefined : randomNumbers(options.seed);
    if (turn !== undefined) return oneByOne(runs, turn);
    let records = 0;
    const next = runs[Symbol.iterator]();
    await Promise.all(
      Array.from({ length: WORKERS }, async () => {
        for (const run of next) for await (const count of run) records += count;
      }),
    );
    return records;
  }

  async #run({ topic, partition, to }: Bound, options: LoadOptions): Promise<AsyncGenerator<number>> {
    const projection = await this.#projection(topic, partition);
    return runTo(projection, to, options);
  }

  async #projection(topic: TopicName, partition: number): Promise<PartitionProjection> {
    const key = `${topic}/${partition}`;
    const known = this.#projections.get(key);
    if (known !== undefined) return known;
    const projection = await PartitionProjection.open({ ...this.#target, topic, partition });
    if (projection === undefined) throw new Error(`the schema ${this.#target.schema} is gone`);
    this.#projections.set(key, projection);
    return projection;
  }

  /** How far the build has got. */
  checkpoints(): ReturnType<typeof schemaCheckpoints> {
    return schemaCheckpoints(this.#target.database, this.#target.schema);
  }
}

async function* runTo(
  projection: PartitionProjection,
  to: ReadPosition,
  { source, signal, seed, onBatch, ...options }: LoadOptions,
): AsyncGenerator<number> {
  const { topic, partition } = projection.target;
  const from = projection.checkpoint.position;
  if (from.offset >= to.offset) return;
  const batchSize = seed === undefined ? (options.batchSize ?? BATCH) : 1 + ((seed + partition) % 300);
  const reading = { from, to: to.offset, batchSize, signal };
  for await (const batch of readAllUpTo(source, topic, partition, reading)) {
    await projection.commit(batch);
    onBatch(batch.records.length);
    yield batch.records.length;
  }
  signal.throwIfAborted();
}

async function oneByOne(runs: readonly AsyncGenerator<number>[], random: () => number): Promise<number> {
  const open = [...runs];
  let records = 0;
  while (open.length > 0) {
    const index = Math.floor(random() * open.length);
    const step = await open[index]?.next();
    if (step === undefined || step.done === true) open.splice(index, 1);
    else records += step.value;
  }
  return records;
}

/** A small generator of random numbers in [0, 1) (mulberry32): the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
