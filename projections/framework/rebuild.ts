import { MilenaError } from '../../src/errors/milena-error.ts';
import type { EventLog } from '../../src/log/port.ts';
import { builderDatabase, revokeBuilder } from './builder-role.ts';
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

/** Class of the advisory locks that allow one rebuild of a model at a time. */
const REBUILD_LOCK = 0x6d696c04;

/** While more records than this are missing, the old schema's projectors are not held still yet. */
const NEAR = 2_000;

/**
 * Builds a model anew beside its active schema, from the log alone, while that one goes on and serves; then,
 * at the same offsets and if count and digest are equal, switches. The old schema is kept for `rollBack` until
 * the next rebuild. After a failure nothing has changed.
 * @throws MilenaError UNAVAILABLE when the model is being rebuilt already; INTERNAL when the gate holds it back.
 */
export async function rebuild(
  parts: RebuildParts,
  model: ReadModel,
  options: RebuildOptions = {},
): Promise<RebuildReport> {
  const lock = await parts.database.dedicated('milena-rebuild');
  try {
    const { rows } = await lock.query<{ held: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS held',
      [REBUILD_LOCK, model.name],
    );
    if (rows[0]?.held !== true)
      throw new MilenaError('UNAVAILABLE', `${model.name} is being rebuilt already`);
    return await new Rebuild(parts, model, options).run();
  } finally {
    await lock.end();
  }
}

class Rebuild {
  readonly #parts: RebuildParts;
  readonly #model: ReadModel;
  readonly #options: RebuildOptions;
  readonly #began = performance.now();
  #schema = '';
  #active = '';
  #sameLog = true;
  #records = 0;

  constructor(parts: RebuildParts, model: ReadModel, options: RebuildOptions) {
    this.#parts = parts;
    this.#model = model;
    this.#options = options;
  }

  async run(): Promise<RebuildReport> {
    await this.#prepare();
    this.#tell('started');
    const builder = await builderDatabase(this.#parts.database, this.#schema);
    try {
      await this.#fill(builder.database);
      if (builder.isolated) await revokeBuilder(this.#parts.database, this.#schema);
    } catch (error) {
      await this.#abandon(error);
      throw error;
    } finally {
      await builder.database.close();
    }
    this.#tell('switched');
    return {
      model: this.#model.name,
      schema: this.#schema,
      previous: this.#active,
      records: this.#records,
      ms: performance.now() - this.#began,
      isolated: builder.isolated,
    };
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

  async #fill(database: Database): Promise<void> {
    const { source, log } = this.#parts;
    const build = new Build({ database, model: this.#model, schema: this.#schema, slots: log.slots });
    const options: LoadOptions = {
      source,
      signal: this.#options.signal ?? new AbortController().signal,
      ...(this.#options.interleave === 'random' ? { seed: this.#options.seed ?? 1 } : {}),
      ...(this.#options.batchSize === undefined ? {} : { batchSize: this.#options.batchSize }),
      onBatch: (records) => this.#progress(records),
    };
    await build.load(await this.#bounds(), options);
    await this.#index();
    // What came meanwhile, in smaller and smaller steps.
    for (let step = 0; step < 20; step++) {
      if ((await build.load(await this.#bounds(), options)) < NEAR) break;
    }
    await this.#switch(build, options);
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

  async #switch(build: Build, options: LoadOptions): Promise<void> {
    const { database, log } = this.#parts;
    await database.transaction(async (client) => {
      const before = await lockCheckpoints(client, this.#active);
      if (this.#sameLog) await build.load(bounds(this.#model, before), options);
      const fault = this.#sameLog ? gateFault(before, await build.checkpoints()) : undefined;
      if (fault !== undefined) {
        throw new MilenaError('INTERNAL', `${this.#schema} does not equal ${this.#active}: ${fault}`);
      }
      await this.#assertNoMorePoison();
      await activate(client, this.#model, this.#schema, log.generation);
    });
  }

  async #assertNoMorePoison(): Promise<void> {
    const text = 'SELECT schema, count(*) AS records FROM projection.poison GROUP BY schema';
    const rows = await this.#parts.database.read<{ schema: string; records: number }>(text);
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

  async #abandon(error: unknown): Promise<void> {
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
