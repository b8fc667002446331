import type pg from 'pg';

/** A table of one model in two databases. */
export interface TableComparison {
  readonly table: string;
  /** Rows in the first database. */
  readonly rows: number;
  /** Rows that only one of the two has; up to three of each as text. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** A schema in a database. */
export interface Place {
  readonly client: pg.Client;
  readonly schema: string;
}

/** Compares all tables of two schemas row by row, wherever each lies. */
export async function compareRows(first: Place, second: Place): Promise<readonly TableComparison[]> {
  const tables = new Set([...(await tablesOf(first)), ...(await tablesOf(second))]);
  const compared: TableComparison[] = [];
  for (const table of [...tables].sort()) {
    const [a, b] = [await rowsOf(first, table), await rowsOf(second, table)];
    compared.push({
      table,
      rows: a.size,
      onlyFirst: await textsOf(first, table, missing(a, b)),
      onlySecond: await textsOf(second, table, missing(b, a)),
    });
  }
  return compared;
}

async function tablesOf({ client, schema }: Place): Promise<readonly string[]> {
  const found = await client.query<{ name: string }>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1',
    [schema],
  );
  return found.rows.map(({ name }) => name);
}

/** The hash of every row, and how often there is one like it. */
async function rowsOf(place: Place, table: string): Promise<ReadonlySet<string>> {
  const found = await place.client.query<{ hash: string }>(
    `SELECT md5(t::text) || '/' || count(*) AS hash FROM ${nameOf(place, table)} AS t GROUP BY md5(t::text)`,
  );
  return new Set(found.rows.map(({ hash }) => hash));
}

function missing(from: ReadonlySet<string>, to: ReadonlySet<string>): readonly string[] {
  return [...from].filter((hash) => !to.has(hash)).slice(0, 3);
}

async function textsOf(place: Place, table: string, hashes: readonly string[]): Promise<readonly string[]> {
  if (hashes.length === 0) return [];
  const found = await place.client.query<{ row: string }>(
    `SELECT t::text AS row FROM ${nameOf(place, table)} AS t WHERE md5(t::text) = ANY ($1)`,
    [hashes.map((hash) => hash.split('/')[0])],
  );
  return found.rows.map(({ row }) => row);
}

function nameOf({ client, schema }: Place, table: string): string {
  return `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`;
}
