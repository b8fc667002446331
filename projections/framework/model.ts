import type { AnyFact } from '../../src/log/records.ts';
import type { TopicName } from '../../src/log/topics.ts';

/**
 * What a read model is. A model declares its topics, its tables and a projector; the framework reads the log,
 * commits rows and checkpoint together, and does leases, poison, rebuilds and waiting.
 *
 * - **model**: a name and a version, such as `timeline` 1.
 * - **schema**: the Postgres schema that holds one build of a model, such as `timeline_3`. Queries use the
 *   *active* one.
 * - **projector**: the code that turns the records of one partition of one topic into rows of one schema.
 * - **checkpoint**: how far a schema has got in a partition, committed with the rows.
 */

/** A record as a projector sees it: decoded, its content opened. */
export interface OpenedRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  /** Milliseconds since the epoch; never goes back within a partition. */
  readonly at: number;
  /** 16 bytes that name the command which caused it. */
  readonly command?: Uint8Array;
  /** What it says. Null is a tombstone: the key's last record is gone (compacted topics only). */
  readonly fact: AnyFact | null;
}

/** A value for a parameter of a statement. A `Buffer` goes as Postgres' binary format: see `columns.ts`. */
export type Parameter = string | number | null | Buffer;

/** A write that `apply` asks for. All writes of a batch and its checkpoint are one transaction, one round trip. */
export interface Statement {
  /**
   * SQL with `$1` …; tables are qualified with the schema (see `ProjectorContext.schema`). Prepared once per
   * connection, so it must be one of a few fixed texts: values never stand in it.
   */
  readonly text: string;
  readonly values: readonly Parameter[];
}

/** What a projector is made with. */
export interface ProjectorContext {
  /** The schema to write to, to be put into the SQL: `INSERT INTO ${schema}.events …`. */
  readonly schema: string;
  readonly topic: TopicName;
  readonly partition: number;
  /** Slots of the log, for IDs made of offset and partition. */
  readonly slots: number;
  /**
   * Reads rows of the schema that records of this very partition made (never others: rows must not depend on
   * how partitions interleave). It sees all that was committed by earlier batches, nothing of this one.
   */
  read<Row extends object>(statement: Statement): Promise<readonly Row[]>;
}

/** Projects one partition of one topic into one schema. Called with one batch at a time. */
export interface Projector {
  /**
   * Turns records into writes. The records are in log order and all of one partition; offsets may jump, and
   * after a poison record was mended they may be lower than ones seen before (of other keys only).
   * Set-based: one statement per table and batch (`columns.ts` makes the parameters).
   * State kept in memory may change here; `forget` is called when the writes were not committed.
   * @throws PoisonError to name the record that cannot be applied; any other error makes the framework search
   * for it by halves.
   */
  apply(records: readonly OpenedRecord[]): Promise<readonly Statement[]> | readonly Statement[];
  /** Drops all state kept in memory: the writes of the last `apply` were not committed. */
  forget(): void;
}

/** A read model. */
export interface ReadModel {
  readonly name: string;
  /** Raised whenever the rows made of the same records differ: a start with a new version rebuilds. */
  readonly version: number;
  /**
   * The oldest version whose tables and rows this code's queries read rightly, and which its projector can go on
   * with: that schema serves while this version's is built. Where nothing is said it is `version` itself, and this
   * code serves nothing before the build is done (ADR 7).
   */
  readonly readsFrom?: number;
  readonly topics: readonly TopicName[];
  /** SQL that makes the tables, run with `search_path` set to the new schema. */
  readonly schemaSql: string;
  /** SQL that is run once all history is loaded: indexes that are cheaper to build than to keep. Idempotent. */
  readonly indexSql?: string;
  /** True when rows made of expiring topics (`ephemeral`, `inbox`) are in it: rebuilds may then differ. */
  readonly expiring?: boolean;
  projector(context: ProjectorContext): Projector;
}

/** A record cannot be applied, and never will with this code. It is set aside, with its key's later records. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';
  /** The offset of the record. */
  readonly offset: number;

  /** @param reason one sentence without content or secrets; `milena status` shows it. */
  constructor(offset: number, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.offset = offset;
  }
}
