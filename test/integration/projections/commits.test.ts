import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareSchemas } from '../../../projections/framework/compare-schemas.ts';
import { PartitionProjection } from '../../../projections/framework/partition-projection.ts';
import type { Projections } from '../../../projections/framework/projections.ts';
import type { SourceBatch } from '../../../projections/framework/record-source.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';
import { MadeRoom } from './made-room.ts';
import { makeTraffic } from './traffic.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const alice = '@alice:localhost';

async function firstBatch(projections: Projections): Promise<SourceBatch> {
  const from = { offset: 0, epoch: 0 };
  for await (const batch of projections.source.read('rooms', 0, { from, to: 1_000 })) return batch;
  return assert.fail('the log is empty');
}

function openPartition(projections: Projections): Promise<PartitionProjection | undefined> {
  const { database } = projections;
  const target = {
    database,
    model: timelineModel,
    schema: 'timeline_1',
    topic: 'rooms',
    partition: 0,
    slots: 1,
  } as const;
  return PartitionProjection.open(target);
}

test('a batch applied twice leaves what it leaves applied once', async () => {
  await using house = await House.make(server, 'twice', 1);
  const projections = await house.open([roomStateModel, timelineModel], { project: false });
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, [...facts, room.message(alice, 'one')]);
  const batch = await firstBatch(projections);
  const [first, second] = [await openPartition(projections), await openPartition(projections)];
  await first?.commit(batch);
  // The second one believes that it holds the partition too: its rows are refused with its checkpoint.
  await assert.rejects(async () => second?.commit(batch), /checkpoint is not where/);
  await assert.rejects(async () => first?.commit(batch), /stands behind the checkpoint/);
  const again = await openPartition(projections);
  assert.equal(again?.checkpoint.records, 5);
  const page = await timelineQueries(projections.queries).page(room.id, { direction: 'f', limit: 20 });
  assert.equal(page.length, 5);
});

test('a crash between rows and checkpoint leaves neither', async () => {
  await using house = await House.make(server, 'crash', 1);
  const projections = await house.open([roomStateModel, timelineModel], { project: false });
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, facts);
  const batch = await firstBatch(projections);
  const projection = await openPartition(projections);
  assert.ok(projection !== undefined);
  // The statements of the batch without its end: as much as had reached Postgres when the process died.
  const records = batch.records.flatMap(({ opened }) => (opened === undefined ? [] : [opened]));
  await projections.database.tryOut(await projection.projector.apply(records));
  projection.projector.forget();
  const [row] = await projections.database.read<{ events: number }>(
    'SELECT count(*) AS events FROM timeline_1.events',
  );
  assert.deepEqual([row?.events, (await openPartition(projections))?.checkpoint.position.offset], [0, 0]);
  await projection.commit(batch);
  const page = await timelineQueries(projections.queries).page(room.id, { direction: 'f', limit: 20 });
  assert.equal(page.length, 4);
});

test('projectors whose connections are cut again and again apply every record once', async () => {
  await using house = await House.make(server, 'cut');
  const projections = await house.open([roomStateModel, timelineModel]);
  let writing = true;
  const traffic = makeTraffic(house, { rooms: 6, users: 4, events: 2_000, batch: 5 }).finally(() => {
    writing = false;
  });
  await using cutter = await house.open([], { project: false });
  while (writing) {
    await cutter.database.script(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name IN ('milena-projector', 'milena-signals')
        AND pid <> pg_backend_pid()`);
    await sleep(60);
  }
  await traffic;
  await house.caughtUp(projections);
  for (const { name } of [roomStateModel, timelineModel]) {
    const report = await projections.rebuild(name);
    assert.deepEqual(await compareSchemas(projections.database, report.previous, report.schema), []);
  }
  assert.deepEqual(
    (await projections.status()).flatMap(({ poison }) => poison),
    [],
  );
});

test('two processes share the partitions, and one takes over what the other leaves', async () => {
  await using house = await House.make(server, 'share');
  const models = [roomStateModel, timelineModel];
  const first = await house.open(models);
  const second = await house.open(models);
  const settled = async (a: number, b: number): Promise<void> => {
    for (let tries = 0; tries < 200 && (first.held.size !== a || second.held.size !== b); tries++)
      await sleep(25);
    assert.deepEqual([first.held.size, second.held.size], [a, b]);
  };
  await settled(2, 2);
  await makeTraffic(house, { rooms: 4, users: 3, events: 200 });
  await house.caughtUp(first);
  await house.caughtUp(second);
  await second.close();
  await settled(4, 0);
  await makeTraffic(house, { rooms: 4, users: 3, events: 100, seed: 2 });
  await house.caughtUp(first);
  const report = await first.rebuild('timeline');
  assert.deepEqual(await compareSchemas(first.database, report.previous, report.schema), []);
});

test('a model that is paused stands still until it is resumed, and the others do not', async () => {
  await using house = await House.make(server, 'pause', 1);
  const projections = await house.open([roomStateModel, timelineModel]);
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, facts);
  await house.caughtUp(projections);
  await projections.pause('timeline');
  const offset = await house.append('rooms', room.id, [room.message(alice, 'unseen')]);
  assert.equal(await projections.positions.waitFor('room_state', 'rooms', 0, offset, 5_000), true);
  assert.equal(await projections.positions.waitFor('timeline', 'rooms', 0, offset, 200), false);
  const [status] = (await projections.status()).filter(({ name }) => name === 'timeline');
  assert.deepEqual([status?.paused, status?.partitions[0]?.lagRecords], [true, 1]);
  await projections.resume('timeline');
  assert.equal(await projections.positions.waitFor('timeline', 'rooms', 0, offset, 5_000), true);
});

test('a process without projectors hears of every checkpoint, and of a switch', async () => {
  await using house = await House.make(server, 'hear', 1);
  const models = [roomStateModel, timelineModel];
  const projecting = await house.open(models);
  const reading = await house.open(models, { project: false });
  const { room, facts } = MadeRoom.create('one', alice);
  const offset = await house.append('rooms', room.id, facts);
  assert.equal(await reading.positions.waitFor('timeline', 'rooms', 0, offset, 5_000), true);
  const heard = new Promise<void>((resolve) => reading.onRefreshed(resolve));
  await projecting.rebuild('timeline');
  await heard;
  await projecting.database.script('DROP SCHEMA timeline_1 CASCADE');
  const page = await timelineQueries(reading.queries).page(room.id, { direction: 'f', limit: 10 });
  assert.equal(page.length, 4);
  const next = await house.append('rooms', room.id, [room.message(alice, 'after the switch')]);
  assert.equal(await reading.positions.waitFor('timeline', 'rooms', 0, next, 5_000), true);
});
