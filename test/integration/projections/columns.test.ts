import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { boolColumn, byteaColumn, int8Column, textColumn } from '../../../projections/framework/columns.ts';
import { Database } from '../../../projections/framework/database.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

let server: TestPostgres;
let database: Database;
before(async () => {
  server = await startPostgres();
  database = new Database({ connection: { connectionString: server.url } });
});
after(async () => {
  await database.close();
  await server.stop();
});

test('columns come out of Postgres as they went in', async () => {
  const numbers = [0, -1, 1, 2 ** 32, -(2 ** 32) - 5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null];
  const texts = [
    '',
    'plain',
    'nul \0 inside',
    'ü€😀',
    '{"a":"\\u0000"}',
    '\u{10ffff}0',
    '"quoted", {braced}',
    null,
  ];
  const bytes = [Buffer.alloc(0), Buffer.from([0, 255]), null, Buffer.from('x'), null, null, null, null];
  const flags = [true, false, null, true, true, true, true, true];
  const rows = await database.query<{ n: number; t: string; b: Buffer; f: boolean }>(
    'SELECT * FROM unnest($1::int8[], $2::text[], $3::bytea[], $4::bool[]) r(n, t, b, f)',
    [int8Column(numbers), textColumn(texts), byteaColumn(bytes), boolColumn(flags)],
  );
  assert.deepEqual(
    rows.map(({ n }) => n),
    numbers,
  );
  assert.deepEqual(
    rows.map(({ t }) => t),
    texts,
  );
  assert.deepEqual(
    rows.map(({ b }) => b),
    bytes,
  );
  assert.deepEqual(
    rows.map(({ f }) => f),
    flags,
  );
});

test('a parameter is escaped as a column is', async () => {
  const [row] = await database.query<{ same: boolean }>('SELECT $1 = ANY ($2::text[]) AS same', [
    'nul \0',
    textColumn(['nul \0']),
  ]);
  assert.equal(row?.same, true);
});

test('a batch is one transaction: when its last statement fails nothing of it is there', async () => {
  await database.script('CREATE TABLE batch (n int8 PRIMARY KEY)');
  const insert = { text: 'INSERT INTO batch SELECT * FROM unnest($1::int8[])', values: [int8Column([1, 2])] };
  await assert.rejects(database.commit([insert, insert]), /duplicate key/);
  assert.deepEqual(await database.read('SELECT n FROM batch'), []);
  await database.commit([insert, { text: 'DELETE FROM batch WHERE n = $1', values: [1] }]);
  assert.deepEqual(await database.read('SELECT n FROM batch'), [{ n: 2 }]);
});

test('projectors may commit late, queries wait for nothing of it', async () => {
  const setting = async (read: 'read' | 'query'): Promise<unknown> =>
    (await database[read]<{ s: string }>(`SELECT current_setting('synchronous_commit') AS s`))[0]?.s;
  assert.deepEqual([await setting('read'), await setting('query')], ['off', 'on']);
});
