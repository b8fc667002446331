import type { TopicName } from '../../src/log/topics.ts';
import { tell } from './channels.ts';
import { advanced, type Checkpoint, checkpointOf, moveCheckpoint } from './checkpoint.ts';
import { findCulprit } from './culprit.ts';
import type { Database } from './database.ts';
import { isOutage, isStale } from './database-errors.ts';
import type { OpenedRecord, Projector, ReadModel, Statement } from './model.ts';
import { type AsideRecord, poisonedKeys, setAside } from './poison.ts';
import { fromPostgresText } from './postgres-text.ts';
import type { RecordSource, SourceBatch, SourceRecord } from './record-source.ts';
import { retryPoison } from './retry-poison.ts';

/** Checkpoint, keys set aside, offsets given up: all that a start needs, for hundreds of partitions, in one query. */
const OPENING = `SELECT c.next_offset, c.epoch, c.records, c.digest, c.last_at,
    (SELECT json_agg(DISTINCT p.key) FROM projection.poison p WHERE (p.schema, p.topic, p.partition)
      = (c.schema, c.topic, c.partition)) AS keys,
    (SELECT json_agg(d.record_offset) FROM projection.discarded d WHERE d.model = $4
      AND (d.topic, d.partition) = (c.topic, c.partition)) AS discarded
  FROM projection.checkpoints c WHERE c.schema = $1 AND c.topic = $2 AND c.partition = $3 AND NOT c.closed`;

type OpeningRow = Parameters<typeof checkpointOf>[0] & {
  readonly keys: readonly string[] | null;
  readonly discarded: readonly number[] | null;
};

/** Which partition of which schema a projection fills. */
export interface ProjectionTarget {
  readonly database: Database;
  readonly model: ReadModel;
  readonly schema: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly slots: number;
}

/** Records divided into those to apply and those to set aside. */
export interface Division {
  readonly live: readonly OpenedRecord[];
  readonly aside: readonly AsideRecord[];
  /** All keys with records set aside, after this batch. */
  readonly keys: ReadonlySet<string>;
}

/**
 * One partition of one topic becoming rows of one schema: applies batches, commits their rows with the
 * checkpoint, sets poison aside. One object at a time may do so; a second one's commits fail.
 */
export class PartitionProjection {
  readonly target: ProjectionTarget;
  readonly projector: Projector;
  #checkpoint: Checkpoint;
  #keys: ReadonlySet<string>;
  readonly #discarded: ReadonlySet<number>;

  private constructor(
    target: ProjectionTarget,
    checkpoint: Checkpoint,
    keys: ReadonlySet<string>,
    discarded: ReadonlySet<number>,
  ) {
    this.target = target;
    this.#checkpoint = checkpoint;
    this.#keys = keys;
    this.#discarded = discarded;
    const { database, schema, topic, partition, slots } = target;
    this.projector = target.model.projector({
      schema,
      topic,
      partition,
      slots,
      read: ({ text, values }) => database.read(text, values),
    });
  }

  /** Goes on where the schema's checkpoint stands; undefined when the schema is gone. */
  static async open(target: ProjectionTarget): Promise<PartitionProjection | undefined> {
    const { database, model, schema, topic, partition } = target;
    const values = [schema, topic, partition, model.name];
    const [row] = await database.read<OpeningRow>(OPENING, values);
    if (row === undefined) return undefined;
    const keys = new Set((row.keys ?? []).map(fromPostgresText));
    return new PartitionProjection(target, checkpointOf(row), keys, new Set(row.discarded));
  }

  /** How far it has got. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /**
   * Applies a batch and commits it. What cannot be applied is set aside; everything else is in the rows.
   * @throws what `isOutage` or `isStale` knows: nothing is known to have happened, open anew.
   */
  async commit(batch: SourceBatch): Promise<void> {
    const { offset } = this.#checkpoint.position;
    const [first] = batch.records;
    if (first !== undefined && first.offset < offset) {
      throw new RangeError(`record ${first.offset} stands behind the checkpoint ${offset}`);
    }
    const to = advanced(this.#checkpoint, batch);
    const found = new Map<number, string>();
    for (;;) {
      const division = this.#divide(batch.records, found);
      try {
        await this.#commitDivision(division, to);
        this.#checkpoint = to;
        this.#keys = division.keys;
        this.#tell(division.aside);
        return;
      } catch (error) {
        this.projector.forget();
        if (isOutage(error) || isStale(error)) throw error;
        const culprit = await findCulprit(this.target.database, this.projector, division.live, error);
        found.set(culprit.offset, culprit.reason);
      }
    }
  }

  /** Tries what was set aside again, in order. @returns how many records were applied. */
  async retry(source: RecordSource): Promise<number> {
    const applied = await retryPoison(this, source);
    const { database, schema, topic, partition } = this.target;
    this.#keys = await poisonedKeys(database, schema, topic, partition);
    return applied;
  }

  /** Whether any record of the partition is set aside. */
  get poisoned(): boolean {
    return this.#keys.size > 0;
  }

  /** Commits rows made outside of the order of the log (a retry); the checkpoint must stand where it did. */
  async commitAside(statements: readonly Statement[]): Promise<void> {
    await this.#write([this.#move(this.#checkpoint), ...statements]);
  }

  async #commitDivision({ live, aside }: Division, to: Checkpoint): Promise<void> {
    const { schema, topic, partition } = this.target;
    const rows = live.length === 0 ? [] : await this.projector.apply(live);
    await this.#write([this.#move(to), ...rows, ...setAside(schema, topic, partition, aside)]);
  }

  #move(to: Checkpoint): Statement {
    const { schema, topic, partition } = this.target;
    return moveCheckpoint(schema, topic, partition, this.#checkpoint, to);
  }

  async #write(statements: readonly Statement[]): Promise<void> {
    await this.target.database.commit(statements);
  }

  #divide(records: readonly SourceRecord[], found: ReadonlyMap<number, string>): Division {
    if (this.#keys.size === 0 && this.#discarded.size === 0 && found.size === 0) {
      const live: OpenedRecord[] = [];
      for (const { opened } of records) if (opened !== undefined) live.push(opened);
      if (live.length === records.length) return { live, aside: [], keys: this.#keys };
    }
    const live: OpenedRecord[] = [];
    const aside: AsideRecord[] = [];
    const keys = new Set(this.#keys);
    for (const record of records) {
      if (this.#discarded.has(record.offset)) continue;
      const reason = found.get(record.offset) ?? record.unreadable;
      if (keys.has(record.key)) aside.push({ record, reason: null });
      else if (record.opened !== undefined && reason === undefined) live.push(record.opened);
      else {
        keys.add(record.key);
        aside.push({ record, reason: reason ?? 'The record cannot be read.' });
      }
    }
    return { live, aside, keys };
  }

  #tell(aside: readonly AsideRecord[]): void {
    const { model, schema, topic, partition } = this.target;
    for (const { record, reason } of aside) {
      if (reason === null) continue;
      const { offset, key } = record;
      tell('poison', { model: model.name, schema, topic, partition, offset, key, reason });
    }
  }
}
