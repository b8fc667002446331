import type pg from 'pg';

/** What was done to a table. */
export interface Harm {
  readonly table: string;
  /** Rows before. */
  readonly rows: number;
  readonly deleted: number;
  readonly forged: number;
}

interface Column {
  readonly name: string;
  readonly type: string;
  /** Part of a unique index: forged values might collide, and the table would stand whole. */
  readonly unique: boolean;
}

/** Another value of each type that columns of read models have. */
const FORGED: Readonly<Record<string, string>> = {
  // JSON stays JSON: the forger means to be believed.
  text: `CASE WHEN @ LIKE '{%' THEN '{"body":"forged"}' ELSE 'forged' END`,
  bytea: `'\\xbadbad'`,
  boolean: 'NOT @',
  smallint: '@ + 1',
  integer: '@ + 1',
  bigint: '@ + 1',
};

/**
 * Deletes about a third of the rows of every table of a schema, and forges all that can be forged in another
 * third. Rows that name one of `spared` stay as they are.
 */
export async function harm(
  client: pg.Client,
  schema: string,
  spared: readonly string[],
): Promise<readonly Harm[]> {
  const tables = await client.query<{ name: string }>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY 1',
    [schema],
  );
  const done: Harm[] = [];
  for (const { name } of tables.rows) done.push(await harmTable(client, schema, name, spared));
  return done;
}

async function harmTable(
  client: pg.Client,
  schema: string,
  table: string,
  spared: readonly string[],
): Promise<Harm> {
  const full = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`;
  const third = (n: number): string =>
    `abs(hashtext(t::text)) % 3 = ${n} AND NOT EXISTS
       (SELECT FROM unnest($1::text[]) AS one WHERE strpos(t::text, one) > 0)`;
  const counted = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${full}`);
  const changes = (await columnsOf(client, schema, table))
    .filter(({ unique, type }) => !unique && FORGED[type] !== undefined)
    .map(({ name, type }) => {
      const column = client.escapeIdentifier(name);
      return `${column} = ${FORGED[type]?.replaceAll('@', column)}`;
    });
  const deleted = await client.query(`DELETE FROM ${full} AS t WHERE ${third(0)}`, [spared]);
  const forged =
    changes.length === 0
      ? undefined
      : await client.query(`UPDATE ${full} AS t SET ${changes.join(', ')} WHERE ${third(1)}`, [spared]);
  return {
    table,
    rows: Number(counted.rows[0]?.rows),
    deleted: deleted.rowCount ?? 0,
    forged: forged?.rowCount ?? 0,
  };
}

async function columnsOf(client: pg.Client, schema: string, table: string): Promise<readonly Column[]> {
  const found = await client.query<Column>(
    `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
        EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique
          AND a.attnum = ANY (i.indkey::smallint[])) AS "unique"
       FROM pg_attribute a
       WHERE a.attrelid = format('%I.%I', $1::text, $2::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped`,
    [schema, table],
  );
  return found.rows;
}
