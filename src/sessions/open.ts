import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';

const folder = new URL('./migrations/', import.meta.url);

/** A pool of connections to the schema `sessions`. */
interface PoolOptions {
  /** A Postgres URL. */
  readonly connection: string;
  /** What Postgres shows of it. */
  readonly name: string;
  /** Connections at most. */
  readonly max: number;
  /** Milliseconds after which a connection that says nothing is taken for dead. */
  readonly silenceMs: number;
}

/** Connects, and makes what is missing of the schema. @throws MilenaError DATA_MISMATCH, UNAVAILABLE */
export async function openPool({ connection, name, max, silenceMs }: PoolOptions): Promise<pg.Pool> {
  const pool = new pg.Pool({
    connectionString: connection,
    max,
    query_timeout: silenceMs,
    application_name: name,
  });
  // Connections that break while idle are replaced; who uses one that breaks gets the error.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await openSchema(pool);
    return pool;
  } catch (error) {
    await pool.end();
    throw unavailable(error);
  }
}

/** What the store's users get when Postgres fails. */
export function unavailable(cause: unknown): MilenaError {
  return isMilenaError(cause) ? cause : new MilenaError('UNAVAILABLE', undefined, { cause });
}

/**
 * Makes the schema `sessions`, or brings it up to date. Nodes that start at once wait for each other.
 * @throws MilenaError DATA_MISMATCH when newer software has made it.
 */
async function openSchema(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('BEGIN');
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('milena sessions schema'))`);
    await migrate(client);
    await client.query('COMMIT');
    broken = false;
  } finally {
    client.release(broken);
  }
}

async function migrate(client: pg.PoolClient): Promise<void> {
  await client.query('CREATE SCHEMA IF NOT EXISTS sessions');
  await client.query(`CREATE TABLE IF NOT EXISTS sessions.migrations (
    name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`);
  const { rows } = await client.query<{ name: string }>('SELECT name FROM sessions.migrations');
  const done = new Set(rows.map((row) => row.name));
  const files = readdirSync(folder).sort();
  for (const name of done) {
    if (files.includes(name)) continue;
    throw new MilenaError('DATA_MISMATCH', `The sessions were kept by newer software (it knows ${name}).`);
  }
  for (const file of files.filter((name) => !done.has(name))) {
    await client.query(readFileSync(new URL(file, folder), 'utf8'));
    await client.query('INSERT INTO sessions.migrations (name) VALUES ($1)', [file]);
  }
}
