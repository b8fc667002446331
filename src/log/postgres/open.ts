import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';
import { halfImported, type LogMeta, refuseMisfit } from '../log-meta.ts';
import { topicNames } from '../topics.ts';
import { type Database, run } from './database.ts';

const folder = new URL('./migrations/', import.meta.url);

/** What the log's one row of `log.meta` says. */
export interface PostgresMeta extends LogMeta {
  readonly slots: number;
}

/**
 * Makes the log's tables where they are missing, and brings them up to date. Nodes that start at once wait
 * for each other.
 * @param serverName whose log it is to be; a log that has no name yet takes it.
 * @throws MilenaError DATA_MISMATCH when the log was made with another number of slots, for another server, or by
 *   newer software, or is not wholly imported; it is as it was then.
 */
export async function openSchema(
  database: Database,
  slots: number,
  serverName: string | undefined,
): Promise<PostgresMeta> {
  return database.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('milena log schema'))`);
    await migrate(client);
    const generation = randomBytes(6).toString('base64url');
    await client.query('INSERT INTO log.meta (generation, slots) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      generation,
      slots,
    ]);
    const meta = await settleMeta(client, slots, serverName);
    await client.query(
      `INSERT INTO log.partitions (topic, partition)
       SELECT topic, partition FROM generate_series(0, $1 - 1) topic, generate_series(0, $2 - 1) partition
       ON CONFLICT DO NOTHING`,
      [topicNames.length, slots],
    );
    await client.query(
      'INSERT INTO log.leases (slot) SELECT slot FROM generate_series(0, $1 - 1) slot ON CONFLICT DO NOTHING',
      [slots],
    );
    return meta;
  });
}

async function settleMeta(
  client: pg.PoolClient,
  slots: number,
  serverName: string | undefined,
): Promise<PostgresMeta> {
  const { rows } = await client.query<PostgresMeta>(
    `UPDATE log.meta SET server_name = coalesce(server_name, $1)
     RETURNING generation, slots, importing, server_name AS "serverName"`,
    [serverName ?? null],
  );
  const meta = rows[0];
  if (meta === undefined || meta.slots !== slots) {
    throw new MilenaError(
      'DATA_MISMATCH',
      `The log has ${meta?.slots} slots; it can't be opened with ${slots}.`,
    );
  }
  const named = { ...meta, serverName: meta.serverName ?? undefined };
  refuseMisfit(named, serverName);
  return named;
}

/** Notes that an import fills the log. @throws MilenaError DATA_MISMATCH when that is noted already. */
export async function noteImport(database: Database): Promise<void> {
  // Once only: a second try could not tell its own note from another's.
  const { rowCount } = await database.use((client) =>
    run(client, {
      name: 'log-begin-import',
      text: 'UPDATE log.meta SET importing = true WHERE NOT importing',
    }),
  );
  if (rowCount === 0) throw halfImported();
}

/** Takes that note away. */
export async function noteImported(database: Database): Promise<void> {
  await database.query({ name: 'log-end-import', text: 'UPDATE log.meta SET importing = false' });
}

/** The master key that is noted, which is this one where none was. */
export async function noteMaster(database: Database, id: string | undefined): Promise<string | undefined> {
  const statement = {
    name: 'log-note-master',
    text: 'UPDATE log.meta SET master = coalesce(master, $1::text) RETURNING master',
  };
  const { rows } = await database.use((client) => run(client, statement, [id ?? null]));
  const noted = rows[0]?.[0];
  return typeof noted === 'string' ? noted : undefined;
}

async function migrate(client: pg.PoolClient): Promise<void> {
  await client.query('CREATE SCHEMA IF NOT EXISTS log');
  await client.query(`CREATE TABLE IF NOT EXISTS log.migrations (
    name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`);
  const { rows } = await client.query<{ name: string }>('SELECT name FROM log.migrations ORDER BY name');
  const done = new Set(rows.map((row) => row.name));
  const files = readdirSync(folder).sort();
  for (const name of done) {
    if (files.includes(name)) continue;
    throw new MilenaError('DATA_MISMATCH', `The log was written by newer software (it knows ${name}).`);
  }
  for (const file of files) {
    if (done.has(file)) continue;
    await client.query(readFileSync(new URL(file, folder), 'utf8'));
    await client.query('INSERT INTO log.migrations (name) VALUES ($1)', [file]);
  }
}

const safety = {
  name: 'log-safety',
  text: `SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')`,
};

/**
 * Asserts that what the server acknowledges is on its disk.
 * @throws MilenaError LOG_UNSAFE that names the setting.
 */
export async function assertSafe(database: Database): Promise<void> {
  const { rows } = await database.use((client) => run(client, safety));
  const [fsync, synchronousCommit, fullPageWrites] = rows[0] ?? [];
  const wrong = [
    ...(fsync === 'on' ? [] : [`fsync is ${fsync}`]),
    ...(synchronousCommit === 'on' || synchronousCommit === 'remote_apply'
      ? []
      : [`synchronous_commit is ${synchronousCommit}`]),
    ...(fullPageWrites === 'on' ? [] : [`full_page_writes is ${fullPageWrites}`]),
  ];
  if (wrong.length === 0) return;
  throw new MilenaError(
    'LOG_UNSAFE',
    `The log's Postgres would lose acknowledged records: ${wrong.join(', ')}.`,
  );
}
