import pg from 'pg';
import { isObject } from '../support/client.ts';
import type { CommandOutcome } from '../support/server.ts';
import { compareRows } from './compare-rows.ts';
import type { Violations } from './violations.ts';

/** The read models of a deployment, as its operator learns them. */
export async function modelNames(
  milena: (args: readonly string[]) => Promise<CommandOutcome>,
): Promise<readonly string[]> {
  const { stdout, stderr } = await milena(['status', '--json']);
  const status: unknown = JSON.parse(stdout === '' ? 'null' : stdout);
  const projectors = isObject(status) && Array.isArray(status['projectors']) ? status['projectors'] : [];
  const names = projectors.map((one: unknown) => (isObject(one) ? String(one['model']) : ''));
  if (names.length === 0) throw new Error(`milena status names no read model: ${stderr.slice(-400)}`);
  return names;
}

interface Schemas {
  readonly active_schema: string;
  readonly previous_schema: string | null;
}

/**
 * After `milena rebuild MODEL` the old schema is kept for a roll-back: every table of the two must hold the same
 * rows. Nobody may have written since the switch.
 */
export async function compareWithRebuild(
  url: string,
  model: string,
  violations: Violations,
): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query<Schemas>(
      'SELECT active_schema, previous_schema FROM projection.models WHERE name = $1',
      [model],
    );
    const { active_schema: fresh, previous_schema: old } = found.rows[0] ?? {
      active_schema: '',
      previous_schema: null,
    };
    if (old === null) {
      violations.add(`${model}: the rebuild left no previous schema to compare with`);
      return 0;
    }
    return await compareSchemas(client, model, old, fresh, violations);
  } finally {
    await client.end();
  }
}

async function compareSchemas(
  client: pg.Client,
  model: string,
  old: string,
  fresh: string,
  violations: Violations,
): Promise<number> {
  const compared = await compareRows({ client, schema: old }, { client, schema: fresh });
  if (compared.length === 0) violations.add(`${model}: there is no table to compare`);
  for (const { table, onlyFirst, onlySecond } of compared)
    if (onlyFirst.length + onlySecond.length > 0)
      violations.add(
        `${model}.${table} differs from its rebuild: only live ${onlyFirst.join(' ')}; only rebuilt ${onlySecond.join(' ')}`,
      );
  return compared.reduce((sum, { rows }) => sum + rows, 0);
}

/** The active schema of every model of a database. */
export async function activeSchemas(client: pg.Client): Promise<ReadonlyMap<string, string>> {
  const found = await client.query<{ name: string; active_schema: string }>(
    'SELECT name, active_schema FROM projection.models',
  );
  return new Map(found.rows.map((row) => [row.name, row.active_schema]));
}

/** What a schema's projectors could not apply: reasons. */
export async function poisoned(client: pg.Client, schema: string): Promise<readonly string[]> {
  const found = await client.query<{ reason: string }>(
    `SELECT coalesce(reason, 'it waits') AS reason FROM projection.poison WHERE schema = $1 LIMIT 5`,
    [schema],
  );
  return found.rows.map(({ reason }) => reason);
}

/** The tables of a schema that a role can read. */
export async function canRead(client: pg.Client, role: string, schema: string): Promise<readonly string[]> {
  const tables = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = $1`,
    [schema],
  );
  if (tables.rows.length === 0) throw new Error(`there is no table in ${schema}`);
  const readable: string[] = [];
  await client.query(`SET ROLE ${client.escapeIdentifier(role)}`);
  try {
    for (const { name } of tables.rows) {
      const denied = await client.query(`SELECT FROM ${name} LIMIT 1`).then(
        () => false,
        (error: unknown) => error instanceof pg.DatabaseError && error.code === '42501',
      );
      if (!denied) readable.push(name);
    }
  } finally {
    await client.query('RESET ROLE');
  }
  return readable;
}
