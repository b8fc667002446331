import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accountsModel } from '../../../projections/accounts/model.ts';
import { compareSchemas } from '../../../projections/framework/compare-schemas.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import { topicNames, topics } from '../../../src/log/topics.ts';
import { asRoomId } from '../../../src/matrix/identifiers.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';
import { makeTraffic, makeValues } from './traffic.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const models = [roomStateModel, timelineModel];

test('a rebuild of corrupted rows gives what an unharmed server has, while it is written to', async () => {
  await using house = await House.make(server, 'rebuild');
  const projections = await house.open(models);
  const { database } = projections;
  const rooms = await makeTraffic(house, { rooms: 8, users: 6, events: 2_000 });
  await house.caughtUp(projections);
  // What an unharmed server has: a copy of the rows before the harm.
  for (const schema of ['timeline_1', 'room_state_1']) await copySchema(house, schema);
  await database.script(`DELETE FROM timeline_1.events WHERE place % 3 = 0;
    UPDATE timeline_1.events SET content = '{"body":"forged"}';
    DELETE FROM room_state_1.entries WHERE type = 'm.room.member';
    UPDATE room_state_1.rooms SET joined = 99`);

  const writing = makeTraffic(house, { rooms: 2, users: 3, events: 600, seed: 9, batch: 5 });
  const reads = timelineQueries(projections.queries);
  const [room] = rooms;
  const rebuilt = [];
  for (const model of models) {
    rebuilt.push(await projections.rebuild(model.name, { interleave: 'random', seed: 7 }));
    assert.ok(room !== undefined && (await reads.page(room.id, { direction: 'b', limit: 5 })).length === 5);
  }
  await writing;
  await house.caughtUp(projections);
  assert.deepEqual(
    rebuilt.map(({ schema, isolated }) => [schema, isolated]),
    [
      ['room_state_2', true],
      ['timeline_2', true],
    ],
  );

  // The rooms of before the harm, row by row; those written meanwhile are compared with a second rebuild.
  for (const model of ['timeline', 'room_state']) {
    await database.script(`DELETE FROM ${model}_1_copy.rooms; INSERT INTO ${model}_1_copy.rooms
      SELECT * FROM ${model}_2.rooms WHERE room IN (SELECT room FROM ${model}_1.rooms)`);
  }
  await onlyRoomsOf(house, 'timeline');
  for (const { table, onlyFirst } of await compareSchemas(database, 'timeline_1_copy', 'timeline_2')) {
    assert.deepEqual(onlyFirst, [], table);
  }
  for (const { table, onlyFirst } of await compareSchemas(database, 'room_state_1_copy', 'room_state_2')) {
    assert.deepEqual(onlyFirst, [], table);
  }
});

test('partitions interleaved in any order come to the same rows, and a roll-back goes on where it was', async () => {
  await using house = await House.make(server, 'shuffled');
  const projections = await house.open(models);
  await makeTraffic(house, { rooms: 6, users: 4, events: 800 });
  await house.caughtUp(projections);
  for (const [seed, number] of [
    [1, 2],
    [2, 3],
    [3, 4],
  ] as const) {
    for (const { name } of models) {
      await projections.rebuild(name, { interleave: 'random', seed });
      assert.deepEqual(
        await compareSchemas(projections.database, `${name}_${number - 1}`, `${name}_${number}`),
        [],
      );
    }
  }
  await projections.rollBack('timeline');
  await makeTraffic(house, { rooms: 1, users: 2, events: 40, seed: 5 });
  await house.caughtUp(projections);
  assert.equal((await projections.status()).find(({ name }) => name === 'timeline')?.schema, 'timeline_3');
  const report = await projections.rebuild('timeline');
  assert.deepEqual(await compareSchemas(projections.database, 'timeline_3', report.schema), []);
});

test('a rebuild from a compacted log comes to the rows of whoever has read all of it', async () => {
  await using house = await House.make(server, 'compacted');
  const all = [...models, accountsModel];
  const projections = await house.open(all);
  await makeTraffic(house, { rooms: 2, users: 4, events: 100 });
  await makeValues(house, { users: 6, rounds: 5 });
  await house.caughtUp(projections);
  const { before, left } = await compactLog(house);
  assert.ok(left < before / 3, `${left} of ${before} records of user_values are left`);
  for (const { name } of all) {
    await projections.rebuild(name, { interleave: 'random', seed: 3 });
    assert.deepEqual(await compareSchemas(projections.database, `${name}_1`, `${name}_2`), [], name);
  }
});

test('a schema that ends among records that compaction has taken away is rebuilt, and goes on from there', async () => {
  await using house = await House.make(server, 'behind');
  const first = await house.open([accountsModel]);
  await makeValues(house, { users: 6, rounds: 2 });
  await house.caughtUp(first);
  await first.close();
  // What the closed models have read is replaced, and gone, before they read on.
  await makeValues(house, { users: 6, rounds: 3 });
  await compactLog(house);
  const still = await house.open([accountsModel], { project: false });
  const { records, schema } = await still.rebuild('accounts');
  assert.deepEqual([records, schema], [0, 'accounts_2'], 'up to there nothing is left');
  await still.close();
  const second = await house.open([accountsModel]);
  await house.caughtUp(second);
  await second.rebuild('accounts');
  assert.deepEqual(await compareSchemas(second.database, 'accounts_2', 'accounts_3'), []);
  const [kept] = await second.database.read<{ rows: number }>(
    'SELECT count(*)::int AS rows FROM accounts_3.receipts WHERE place = 3',
  );
  assert.equal(kept?.rows, 6);
});

test('a build that does not come to the same count and digest is not switched in', async () => {
  await using house = await House.make(server, 'gate');
  const projections = await house.open(models);
  await makeTraffic(house, { rooms: 2, users: 2, events: 100 });
  await house.caughtUp(projections);
  // As if a projector had once skipped a record.
  await projections.database.script(
    `UPDATE projection.checkpoints SET records = records - 1 WHERE schema = 'timeline_1' AND records > 0`,
  );
  await assert.rejects(projections.rebuild('timeline'), /records, not/);
  const [status] = (await projections.status()).filter(({ name }) => name === 'timeline');
  assert.deepEqual([status?.schema, status?.building], ['timeline_1', null]);
});

test('a build cannot read the schema that it replaces', async () => {
  await using house = await House.make(server, 'isolated');
  const projections = await house.open(models);
  await makeTraffic(house, { rooms: 1, users: 2, events: 20 });
  await house.caughtUp(projections);
  const reading = {
    ...timelineModel,
    projector: (context: Parameters<typeof timelineModel.projector>[0]) => ({
      apply: async () => {
        await context.read({ text: 'SELECT count(*) FROM timeline_1.events', values: [] });
        return [];
      },
      forget: () => undefined,
    }),
  };
  await using peeking = await house.open([roomStateModel, reading], { project: false });
  await assert.rejects(peeking.rebuild('timeline'), /permission denied/);
});

test('code of another version rebuilds at the start', async () => {
  await using house = await House.make(server, 'version');
  const first = await house.open(models);
  await makeTraffic(house, { rooms: 2, users: 2, events: 60 });
  await house.caughtUp(first);
  await first.close();
  const newer = models.map((model) => ({ ...model, version: model.version + 1 }));
  const second = await house.open(newer);
  assert.deepEqual(second.outdated(), ['room_state', 'timeline']);
  await second.bringUpToDate();
  assert.deepEqual(second.outdated(), []);
  await makeTraffic(house, { rooms: 1, users: 2, events: 20, seed: 3 });
  await house.caughtUp(second);
  assert.deepEqual(await second.status().then((all) => all.map(({ schema }) => schema)), [
    'room_state_2',
    'timeline_2',
  ]);
  // And code of the old version goes back to its own schema at once.
  await second.close();
  const third = await house.open(models);
  await third.bringUpToDate();
  await house.caughtUp(third);
  assert.deepEqual(await third.status().then((all) => all.map(({ schema }) => schema)), [
    'room_state_1',
    'timeline_1',
  ]);
});

test('software that fits the old schema goes on with it while its own is built, and all models are switched together', async () => {
  await using house = await House.make(server, 'fitting');
  const first = await house.open(models);
  await makeTraffic(house, { rooms: 2, users: 2, events: 60 });
  await house.caughtUp(first);
  await first.close();
  const bumped = models.map((model) => ({ ...model, version: model.version + 1 }));
  const unfit = await house.open(bumped);
  assert.deepEqual([unfit.unusable(), unfit.held.size], [['room_state', 'timeline'], 0]);
  await assert.rejects(
    timelineQueries(unfit.queries).page(asRoomId('!a:b'), { direction: 'b', limit: 1 }),
    /not built/,
  );
  await unfit.close();

  const fitting = await house.open(bumped.map((model) => ({ ...model, readsFrom: model.version - 1 })));
  assert.deepEqual([fitting.unusable(), fitting.outdated()], [[], ['room_state', 'timeline']]);
  const [room] = await makeTraffic(house, { rooms: 1, users: 2, events: 40, seed: 4 });
  await house.caughtUp(fitting);
  const read = () =>
    room === undefined ? [] : timelineQueries(fitting.queries).page(room.id, { direction: 'b', limit: 9 });
  const before = await read();
  assert.equal(before.length, 9);
  const seen: (readonly (string | undefined)[])[] = [];
  fitting.onRefreshed(() => {
    seen.push([fitting.outdated().join(' ')]);
  });
  await fitting.bringUpToDate();
  assert.ok(seen.every(([outdated]) => outdated === '' || outdated === 'room_state timeline'));
  assert.deepEqual(fitting.outdated(), []);
  assert.deepEqual(await read(), before);
});

/** Compacts all that is compacted. @returns how many records `user_values` had and has. */
async function compactLog(house: House): Promise<{ readonly before: number; readonly left: number }> {
  const standing = async (): Promise<number> => {
    let records = 0;
    for (const [slot, to] of (await house.log.ends('user_values')).entries()) {
      const reading = { from: { offset: 0, epoch: 0 }, to };
      for await (const batch of house.log.read('user_values', slot, reading)) records += batch.records.length;
    }
    return records;
  };
  const before = await standing();
  for (const topic of topicNames.filter((name) => topics[name].kept === 'compacted')) {
    for (let slot = 0; slot < house.log.slots; slot++) await house.log.compact(topic, slot);
  }
  return { before, left: await standing() };
}

async function copySchema(house: House, schema: string): Promise<void> {
  const { database } = await house.open([], { project: false });
  const tables = await database.read<{ tablename: string }>(
    'SELECT tablename FROM pg_tables WHERE schemaname = $1',
    [schema],
  );
  await database.script(`CREATE SCHEMA ${schema}_copy`);
  for (const { tablename } of tables) {
    await database.script(`CREATE TABLE ${schema}_copy.${tablename} AS SELECT * FROM ${schema}.${tablename}`);
  }
}

async function onlyRoomsOf(house: House, model: string): Promise<void> {
  const { database } = await house.open([], { project: false });
  const rows = await database.read<{ rooms: number }>(`SELECT count(*) AS rooms FROM ${model}_1_copy.rooms`);
  assert.ok((rows[0]?.rooms ?? 0) >= 8);
}
