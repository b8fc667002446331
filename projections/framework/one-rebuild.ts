import type pg from 'pg';
import { MilenaError } from '../../src/errors/milena-error.ts';
import type { EventLog } from '../../src/log/port.ts';
import { type BuilderDatabase, builderDatabase, revokeBuilder } from './builder-role.ts';
import { tell } from './channels.ts';
import type { Database } from './database.ts';
import type { ReadModel } from './model.ts';
import { type Bound, Build, type LoadOptions } from './rebuild-load.ts';
import {
  activate,
  gateFault,
  lockCheckpoints,
  type PlacedCheckpoint,
  schemaCheckpoints,
} from './rebuild-switch.ts';
import type { RecordSource } from './record-source.ts';
import { dropScript, registeredModels, schemaName, schemaScript } from './registry.ts';

/** How to rebuild. */
export interface RebuildOptions {
  readonly signal?: AbortSignal;
  /** Told about once a batch. */
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** `random`: partitions take turns at random, in an order fixed by `seed`. For tests. */
  readonly interleave?: 'in-turn' | 'random';
  readonly seed?: number;
  /** The most records of a batch. */
  readonly batchSize?: number;
}

/** How far a rebuild is. */
export interface RebuildProgress {
  readonly schema: string;
  /** Records read so far. */
  readonly records: number;
  /** Milliseconds since the start. */
  readonly ms: number;
}

/** What a rebuild has done. */
export interface RebuildReport {
  readonly model: string;
  /** The schema that is active now, and the one before. */
  readonly schema: string;
  readonly previous: string;
  readonly records: number;
  readonly ms: number;
  /** Whether it was built by a role that cannot read other schemas. */
  readonly isolated: boolean;
}

/** What a rebuild needs. */
export interface RebuildParts {
  readonly database: Database;
  readonly source: RecordSource;
  readonly log: Pick<EventLog, 'slots' | 'generation' | 'ends'>;
}

/** The rebuild of one model, step by step: see `rebuild.ts`. */
export class OneRebuild {
  readonly #parts: RebuildParts;
  readonly #model: ReadModel;
  readonly #options: RebuildOptions;
  readonly #began = performance.now();
  #schema = '';
  #active = '';
  #sameLog = true;
  #records = 0;
  #switched = false;
  #builder: BuilderDatabase | undefined;
  #build: Build | undefined;

  constructor(parts: RebuildParts, model: ReadModel, options: RebuildOptions) {
    this.#parts = parts;
    this.#model = model;
    this.#options = options;
  }

  /** Makes the new schema and loads what the old one has now. */
  async fill(): Promise<void> {
    await this.#prepare();
    this.#tell('started');
    const { database, log } = this.#parts;
    this.#builder = await builderDatabase(database, this.#schema);
    const target = { model: this.#model, schema: this.#schema, slots: log.slots };
    this.#build = new Build({ database: this.#builder.database, ...target });
    await this.catchUp();
    await this.#index();
  }

  /** Loads what has come since. @returns the records read. */
  async catchUp(): Promise<number> {
    return (await this.#build?.load(await this.#bounds(), this.#loading())) ?? 0;
  }

  /** Holds the old schema still, loads the rest, and makes the new one active if it equals the old. */
  async switchIn(client: pg.ClientBase): Promise<void> {
    const before = await lockCheckpoints(client, this.#active);
    if (this.#sameLog) await this.#build?.load(bounds(this.#model, before), this.#loading());
    const built = (await this.#build?.checkpoints()) ?? [];
    const fault = this.#sameLog ? gateFault(before, built) : undefined;
    if (fault !== undefined) {
      throw new MilenaError('INTERNAL', `${this.#schema} does not equal ${this.#active}: ${fault}`);
    }
    await this.#assertNoMorePoison(client);
    await activate(client, this.#model, this.#schema, this.#parts.log.generation);
  }

  /** It is switched in: takes the builder's rights away. */
  async done(): Promise<RebuildReport> {
    this.#switched = true;
    const isolated = this.#builder?.isolated ?? false;
    if (isolated) await revokeBuilder(this.#parts.database, this.#schema);
    this.#tell('switched');
    return {
      model: this.#model.name,
      schema: this.#schema,
      previous: this.#active,
      records: this.#records,
      ms: performance.now() - this.#began,
      isolated,
    };
  }

  /** Ends the builder's connections. */
  async close(): Promise<void> {
    await this.#builder?.database.close();
  }

  /** Drops what earlier rebuilds left, and makes the new tables. */
  async #prepare(): Promise<void> {
    const { database, log } = this.#parts;
    const registered = (await registeredModels(database)).get(this.#model.name);
    if (registered === undefined) throw new MilenaError('NOT_FOUND', `there is no model ${this.#model.name}`);
    const number = registered.newest + 1;
    this.#schema = schemaName(this.#model.name, number);
    this.#active = registered.active_schema;
    this.#sameLog = registered.generation === log.generation;
    const left = [registered.building_schema, registered.previous_schema].filter((name) => name !== null);
    await database.transaction(async (client) => {
      for (const schema of left) await client.query(dropScript(schema));
      await client.query(schemaScript(this.#schema, this.#model, log.slots));
      await client.query(
        `UPDATE projection.models SET newest = $2, building_schema = $3, previous_schema = NULL,
           previous_version = NULL WHERE name = $1`,
        [this.#model.name, number, this.#schema],
      );
    });
  }

  #loading(): LoadOptions {
    const { signal, interleave, seed, batchSize } = this.#options;
    return {
      source: this.#parts.source,
      signal: signal ?? new AbortController().signal,
      ...(interleave === 'random' ? { seed: seed ?? 1 } : {}),
      ...(batchSize === undefined ? {} : { batchSize }),
      onBatch: (records) => this.#progress(records),
    };
  }

  /**
   * The new schema never gets further than the old one: only at equal offsets can they be compared. Where there
   * is nothing to compare (another log, a topic that is new to the model) it goes to the end of the log.
   */
  async #bounds(): Promise<readonly Bound[]> {
    const { database, log } = this.#parts;
    const found = this.#sameLog ? bounds(this.#model, await schemaCheckpoints(database, this.#active)) : [];
    const known = new Set(found.map(({ topic }) => topic));
    const ends: Bound[] = [];
    for (const topic of this.#model.topics.filter((name) => !known.has(name))) {
      for (const [partition, offset] of (await log.ends(topic)).entries()) {
        ends.push({ topic, partition, to: { offset, epoch: 0 } });
      }
    }
    return [...found, ...ends];
  }

  async #index(): Promise<void> {
    await this.#parts.database.transaction(async (client) => {
      await client.query(`SET LOCAL search_path = ${this.#schema}`);
      await client.query(this.#model.indexSql ?? '');
    });
    const tables = await this.#parts.database.read<{ tablename: string }>(
      'SELECT tablename FROM pg_tables WHERE schemaname = $1',
      [this.#schema],
    );
    // Without statistics the first queries would read whole tables.
    for (const { tablename } of tables) {
      await this.#parts.database.script(`ANALYZE ${this.#schema}.${tablename}`);
    }
  }

  /** On the transaction's own connection: the others may all be waiting for it, with projectors of the old schema. */
  async #assertNoMorePoison(client: pg.ClientBase): Promise<void> {
    const text = 'SELECT schema, count(*)::int AS records FROM projection.poison GROUP BY schema';
    const { rows } = await client.query<{ schema: string; records: number }>(text);
    const count = (schema: string): number => rows.find((row) => row.schema === schema)?.records ?? 0;
    if (count(this.#schema) <= count(this.#active)) return;
    throw new MilenaError(
      'INTERNAL',
      `${this.#schema} sets ${count(this.#schema)} records aside, ${this.#active} ${count(this.#active)}`,
    );
  }

  #progress(records: number): void {
    this.#records += records;
    this.#options.onProgress?.({
      schema: this.#schema,
      records: this.#records,
      ms: performance.now() - this.#began,
    });
  }

  /** Drops what was built. */
  async abandon(error: unknown): Promise<void> {
    if (this.#schema === '' || this.#switched) return;
    this.#tell('failed', error);
    await this.#parts.database
      .transaction(async (client) => {
        await client.query(dropScript(this.#schema));
        await client.query('UPDATE projection.models SET building_schema = NULL WHERE name = $1', [
          this.#model.name,
        ]);
      })
      .catch(() => undefined); // The next rebuild drops it.
  }

  #tell(state: 'started' | 'switched' | 'failed', error?: unknown): void {
    tell('rebuild', {
      model: this.#model.name,
      schema: this.#schema,
      state,
      records: this.#records,
      ...(error === undefined ? {} : { error }),
    });
  }
}

function bounds(model: ReadModel, checkpoints: readonly PlacedCheckpoint[]): readonly Bound[] {
  return checkpoints
    .filter(({ topic }) => model.topics.includes(topic))
    .map(({ topic, partition, checkpoint }) => ({ topic, partition, to: checkpoint.position }));
}
