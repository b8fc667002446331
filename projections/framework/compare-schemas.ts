import type { Database } from './database.ts';

/** A table that differs between two schemas. */
export interface TableDifference {
  readonly table: string;
  /** Rows that the first has and the second has not, and the other way round; up to ten of each as JSON. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Compares two schemas of one model row by row. Empty when they hold the same. */
export async function compareSchemas(
  database: Database,
  first: string,
  second: string,
): Promise<readonly TableDifference[]> {
  const tables = await database.read<{ tablename: string }>(
    'SELECT DISTINCT tablename FROM pg_tables WHERE schemaname IN ($1, $2) ORDER BY tablename',
    [first, second],
  );
  const differences: TableDifference[] = [];
  for (const { tablename: table } of tables) {
    const onlyFirst = await rowsOnlyIn(database, `${first}.${table}`, `${second}.${table}`);
    const onlySecond = await rowsOnlyIn(database, `${second}.${table}`, `${first}.${table}`);
    if (onlyFirst.length + onlySecond.length > 0) differences.push({ table, onlyFirst, onlySecond });
  }
  return differences;
}

async function rowsOnlyIn(database: Database, here: string, there: string): Promise<readonly string[]> {
  const rows = await database.read<{ row: string }>(
    `SELECT to_json(d)::text AS row FROM (SELECT * FROM ${here} EXCEPT ALL SELECT * FROM ${there}) d LIMIT 10`,
  );
  return rows.map(({ row }) => row);
}
