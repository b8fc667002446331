import { readdirSync, readFileSync } from 'node:fs';
import { MilenaError } from '../../src/errors/milena-error.ts';
import type { Database } from './database.ts';
import { digestToBytes, emptyDigest } from './digest.ts';
import type { ReadModel } from './model.ts';

/** What is remembered about a model. */
export interface RegisteredModel {
  readonly name: string;
  /** The version of the code that made the active schema. */
  readonly version: number;
  /** The generation of the log that it was made from. */
  readonly generation: string;
  readonly active_schema: string;
  /** The schema that was active before, and the version that made it: for a roll-back. */
  readonly previous_schema: string | null;
  readonly previous_version: number | null;
  readonly building_schema: string | null;
  readonly newest: number;
  readonly paused: boolean;
}

/** Whether code of a model's version can serve and go on with the schema that is active. */
export function isUsable(model: ReadModel, row: RegisteredModel | undefined, generation: string): boolean {
  if (row?.generation !== generation) return false;
  return row.version >= (model.readsFrom ?? model.version) && row.version <= model.version;
}

/** Holds one start or rebuild at a time, of all processes ("milena" and a kind). */
export const REGISTRY_LOCK = [0x6d696c, 1] as const;

/** Makes the framework's own tables, or brings them up to this version. Safe to call from many processes. */
export async function migrateFramework(database: Database): Promise<void> {
  const folder = new URL('./sql/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  await database.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [...REGISTRY_LOCK]);
    await client.query('CREATE SCHEMA IF NOT EXISTS projection_migrations');
    await client.query('CREATE TABLE IF NOT EXISTS projection_migrations.applied (file text PRIMARY KEY)');
    const applied = await client.query<{ file: string }>('SELECT file FROM projection_migrations.applied');
    const done = new Set(applied.rows.map((row) => row.file));
    for (const file of files.sort()) {
      if (done.has(file)) continue;
      await client.query(readFileSync(new URL(file, folder), 'utf8'));
      await client.query('INSERT INTO projection_migrations.applied VALUES ($1)', [file]);
    }
  });
}

const MODELS = `SELECT name, version, generation, active_schema, previous_schema, previous_version,
    building_schema, newest, paused
  FROM projection.models`;

/** All models that have a schema. */
export async function registeredModels(database: Database): Promise<ReadonlyMap<string, RegisteredModel>> {
  const rows = await database.read<RegisteredModel>(MODELS);
  return new Map(rows.map((row) => [row.name, row]));
}

/** Makes the first schema of a model: empty, active at once. Does nothing when another process was first. */
export async function createFirstSchema(
  database: Database,
  model: ReadModel,
  slots: number,
  generation: string,
): Promise<void> {
  const schema = schemaName(model.name, 1);
  await database.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [...REGISTRY_LOCK]);
    const found = await client.query('SELECT FROM projection.models WHERE name = $1', [model.name]);
    if (found.rowCount !== 0) return;
    await client.query(schemaScript(schema, model, slots));
    await client.query(`SET LOCAL search_path = ${schema}`);
    await client.query(model.indexSql ?? '');
    await client.query(
      `INSERT INTO projection.models (name, version, generation, active_schema, newest)
       VALUES ($1, $2, $3, $4, 1)`,
      [model.name, model.version, generation, schema],
    );
  });
}

/** The name of a model's schema number `number`. Model names are plain words, so it needs no quotes. */
export function schemaName(model: string, number: number): string {
  if (!/^[a-z][a-z_]*$/.test(model)) throw new MilenaError('INTERNAL', `no name for a model: ${model}`);
  return `${model}_${number}`;
}

/** SQL that makes an empty schema with its checkpoints: no indexes yet. */
export function schemaScript(schema: string, model: ReadModel, slots: number): string {
  const zero = digestToBytes(emptyDigest()).toString('hex');
  const checkpoints = model.topics.map(
    (topic) => `INSERT INTO projection.checkpoints
        (schema, topic, partition, next_offset, epoch, records, digest, last_at)
      SELECT '${schema}', '${topic}', p, 0, 0, 0, '\\x${zero}', 0 FROM generate_series(0, ${slots - 1}) p;`,
  );
  return `CREATE SCHEMA ${schema};
    SET LOCAL search_path = ${schema};
    ${model.schemaSql}
    RESET search_path;
    ${checkpoints.join('\n')}`;
}

/** SQL that removes a schema and all that is remembered about it. */
export function dropScript(schema: string): string {
  return `DROP SCHEMA IF EXISTS ${schema} CASCADE;
    DELETE FROM projection.checkpoints WHERE schema = '${schema}';
    DELETE FROM projection.poison WHERE schema = '${schema}';`;
}

/** Stops or resumes a model's projectors, in all processes and across restarts (told by `announceModels`). */
export async function setPaused(database: Database, name: string, paused: boolean): Promise<void> {
  const text = 'UPDATE projection.models SET paused = $2 WHERE name = $1 RETURNING name';
  const rows = await database.read(text, [name, paused ? 'true' : 'false']);
  if (rows.length === 0) throw new MilenaError('NOT_FOUND', `there is no model ${name}`);
}
