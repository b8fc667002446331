import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadModel } from '../../../projections/framework/model.ts';
import { Projections } from '../../../projections/framework/projections.ts';
import type { EventLog } from '../../../src/log/port.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const RECORDS = 12_000;
/** The feed keeps up to 500 records and reads 250 at once; a batch under way and one that waits come on top. */
const BOUND = 2_000;

/** A log that counts the records that were read of `server`. */
function counting(log: EventLog): { readonly log: EventLog; readonly read: () => number } {
  let records = 0;
  const read: EventLog['read'] = async function* (topic, partition, options) {
    for await (const batch of log.read(topic, partition, options)) {
      if (topic === 'server') records += batch.records.length;
      yield batch;
    }
  };
  const counted = new Proxy(log, {
    get: (target, name) => {
      if (name === 'read') return read;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { log: counted, read: () => records };
}

/** Counts the records that it was given, once `gate` lets it. */
function countingModel(name: string, gate: Promise<unknown>): ReadModel {
  return {
    name,
    version: 1,
    topics: ['server'],
    schemaSql: 'CREATE TABLE seen (at_offset bigint PRIMARY KEY);',
    projector: ({ schema }) => ({
      apply: async (records) => {
        await gate;
        const offsets = `{${records.map(({ offset }) => offset).join(',')}}`;
        return [{ text: `INSERT INTO ${schema}.seen SELECT unnest($1::bigint[])`, values: [offsets] }];
      },
      forget: () => undefined,
    }),
  };
}

async function filled(name: string): Promise<House> {
  const house = await House.make(server, name, 1);
  const key = '#a:localhost';
  for (let done = 0; done < RECORDS; done += 1_000) {
    const facts = Array.from({ length: 1_000 }, (_, index) => ({
      key,
      type: 'alias_removed' as const,
      at: done + index,
      value: { actor: '@alice:localhost' },
    }));
    await house.append('server', key, facts);
  }
  return house;
}

async function opened(house: House, log: EventLog, models: readonly ReadModel[]): Promise<Projections> {
  const database = { connection: { connectionString: house.url } };
  const projections = await Projections.open({ database, log: { ...house.parts, log }, models });
  await projections.start({ project: true });
  return projections;
}

async function rowsOf(projections: Projections, name: string): Promise<number> {
  const [row] = await projections.database.query<{ rows: number }>(
    `SELECT count(*) AS rows FROM ${name}_1.seen`,
  );
  return row?.rows ?? 0;
}

/** Waits until nothing more is read. */
async function still(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read();
    if (now === last && now > 0) return now;
    last = now;
    await sleep(700);
  }
}

test('while the database takes nothing, no more than a few batches are read from the log', async () => {
  await using house = await filled('pressure');
  const { log, read } = counting(house.log);
  const open = Promise.resolve();
  const models = ['one', 'other'].map((name) => countingModel(name, open));
  // A database that takes nothing: every commit waits for the lock of the checkpoints.
  await using blocker = await house.open(models, { project: false });
  const client = await blocker.database.dedicated('a slow database');
  await client.query('BEGIN; LOCK TABLE projection.checkpoints IN EXCLUSIVE MODE');
  await using projections = await opened(house, log, models);

  const held = await still(read);
  assert.ok(held <= BOUND, `${held} of ${RECORDS} records were read while nothing could be committed`);
  await client.query('ROLLBACK');
  await client.end();
  await house.caughtUp(projections);
  for (const { name } of models) assert.equal(await rowsOf(projections, name), RECORDS, name);
});

test('what a slow model has not taken yet is not kept in memory beside a quick one, but read again', async () => {
  await using house = await filled('beside');
  const { log, read } = counting(house.log);
  const gate = Promise.withResolvers<void>();
  await using projections = await opened(house, log, [
    countingModel('quick', Promise.resolve()),
    countingModel('slow', gate.promise),
  ]);
  const end = (await house.log.end('server', 0)) - 1;
  assert.ok(await projections.positions.waitFor('quick', 'server', 0, end, 90_000));
  assert.equal(await rowsOf(projections, 'slow'), 0);
  const before = await still(read);
  assert.ok(before < RECORDS + BOUND, 'the log is read once for both, as far as they go together');
  gate.resolve();
  await house.caughtUp(projections);
  assert.equal(await rowsOf(projections, 'slow'), RECORDS);
  assert.ok(read() - before > RECORDS - BOUND, `${read() - before} records were read again`);
});
