import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { MilenaError } from '../errors/milena-error.ts';

const folder = new URL('./migrations/', import.meta.url);

/**
 * Makes the schema `sessions`, or brings it up to date. Nodes that start at once wait for each other.
 * @throws MilenaError DATA_MISMATCH when newer software has made it.
 */
export async function openSchema(pool: pg.Pool): Promise<void> {
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
