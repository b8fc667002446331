import pg from 'pg';
import type { Violations } from './violations.ts';

/** The models of the architecture's section 6 that are built. */
export const MODELS = ['room_state', 'timeline', 'sync', 'accounts', 'directory'] as const;

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
  const [before, after] = [await tablesOf(client, old), await tablesOf(client, fresh)];
  if (before.length === 0 || before.join() !== after.join())
    violations.add(`${model}: tables ${before.join()} were rebuilt as ${after.join()}`);
  let rows = 0;
  for (const table of before) {
    const [a, b] = [await fingerprint(client, old, table), await fingerprint(client, fresh, table)];
    rows += a.rows;
    if (a.rows !== b.rows || a.sum !== b.sum)
      violations.add(`${model}.${table}: ${a.rows} rows live, ${b.rows} rebuilt; their contents differ`);
  }
  return rows;
}

async function tablesOf(client: pg.Client, schema: string): Promise<readonly string[]> {
  const found = await client.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
    [schema],
  );
  return found.rows.map((row) => row.name);
}

/** A number of rows and a sum over their hashes: equal for equal sets of rows in any order. */
async function fingerprint(
  client: pg.Client,
  schema: string,
  table: string,
): Promise<{ rows: number; sum: string }> {
  const found = await client.query<{ rows: string; sum: string }>(
    `SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint::numeric), 0) AS sum
       FROM ${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)} AS t`,
  );
  const row = found.rows[0];
  if (row === undefined) throw new Error(`no count of ${schema}.${table}`);
  return { rows: Number(row.rows), sum: row.sum };
}
