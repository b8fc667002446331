import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { currentSchemas } from '../../../src/log/codec.ts';
import { type Client, login, path, register } from '../../support/client.ts';
import type { MilenaProcess } from '../../support/milena-process.ts';
import { NewerSoftware } from '../../support/newer-software.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { MadeRoom } from '../projections/made-room.ts';
import { folderForTest, httpOf, milena, serverIn, type TestFolder } from './a-server.ts';

let postgres: TestPostgres;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres.stop());

const ALICE = '@alice:localhost';
const PASSWORD = 'alices password';

/** A server with alice's account, stopped, and newer software that may write on its log. */
async function stopped(folder: TestFolder, name: string) {
  const url = await postgres.createDatabase(name);
  const server = await serverIn(folder, 'data', { MILENA_POSTGRES_URL: url });
  const http = httpOf(server);
  await register(http, 'alice', PASSWORD);
  http.close();
  await server.stop();
  const newer = () => NewerSoftware.open('room_event', url, server.plan.env['MILENA_DATA'] ?? '');
  return { server, newer };
}

async function aliceAt(server: MilenaProcess): Promise<Client> {
  return login(httpOf(server), 'alice', PASSWORD);
}

async function wordsIn(alice: Client, room: string): Promise<readonly unknown[]> {
  const events = await alice.history(room);
  return events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body']);
}

test('records of a schema that is not in this software’s files are read through the schema on the log', async () => {
  await using folder = folderForTest();
  const { server, newer } = await stopped(folder, 'newer');
  const { room, facts } = MadeRoom.create('newer', ALICE, {}, '11');
  {
    await using software = await newer();
    assert.ok(currentSchemas.every(({ fingerprint }) => fingerprint !== software.schema.fingerprint));
    await software.putSchema();
    await software.appendNewer('rooms', room.id, [...facts, room.message(ALICE, 'from the future')]);
  }
  await server.start();
  const alice = await aliceAt(server);
  assert.deepEqual(await wordsIn(alice, room.id), ['from the future']);
  await alice.say(room.id, 'from the present');
  const { rooms } = await alice.sync();
  const timeline = rooms?.join?.[room.id]?.timeline?.events ?? [];
  assert.deepEqual(
    timeline.slice(-2).map(({ content }) => content['body']),
    ['from the future', 'from the present'],
  );
  const status = await milena(server.plan.env, ['status']);
  assert.equal(status.code, 0, status.out);
  await server.stop();
});

test('a poison record in mid-room: status names it and fails, other rooms flow, and mended the room goes on in order', async () => {
  await using folder = folderForTest();
  const { server, newer } = await stopped(folder, 'poison');
  const sick = MadeRoom.create('sick', ALICE, {}, '11');
  const well = MadeRoom.create('well', ALICE, {}, '11');
  {
    // The record of a schema that nobody has explained cannot be read by anybody.
    await using software = await newer();
    await software.append('rooms', sick.room.id, [...sick.facts, sick.room.message(ALICE, 'one')]);
    await software.appendNewer('rooms', sick.room.id, [sick.room.message(ALICE, 'two')]);
    await software.append('rooms', sick.room.id, [sick.room.message(ALICE, 'three')]);
    await software.append('rooms', well.room.id, [...well.facts, well.room.message(ALICE, 'well one')]);
  }
  await server.start();
  const alice = await aliceAt(server);
  await alice.say(well.room.id, 'well two');
  assert.deepEqual(await wordsIn(alice, well.room.id), ['well one', 'well two']);
  assert.deepEqual(await wordsIn(alice, sick.room.id), ['one']);
  const refused = await alice.ask('PUT', path('rooms', sick.room.id, 'send', 'm.room.message', 't1'), {
    json: { msgtype: 'm.text', body: 'four' },
    // Less than the server tries again what may pass (request_timeout): this does not.
    timeout: 20_000,
  });
  assert.equal(refused.status, 503, refused.text);
  assert.match(refused.text, /set aside; see milena status|cannot be read; see milena status/);

  const status = await milena(server.plan.env, ['status']);
  assert.equal(status.code, 1, status.out);
  for (const model of ['room_state', 'timeline', 'sync']) {
    const named = `^! ${model} cannot apply rooms/\\d+@\\d+ \\(${sick.room.id}\\): .*; 1 records wait for it$`;
    assert.match(status.out, new RegExp(named, 'm'));
    assert.match(status.out, new RegExp(`^${model} +following +0 +0\\.0 +1$`, 'm'));
  }
  assert.doesNotMatch(status.out, new RegExp(well.room.id));

  await server.stop();
  {
    await using software = await newer();
    await software.putSchema();
  }
  await server.start();
  const rebuilt = await milena(server.plan.env, ['rebuild', 'room_state', 'timeline', 'sync']);
  assert.equal(rebuilt.code, 0, rebuilt.err);
  const mended = await milena(server.plan.env, ['status']);
  assert.equal(mended.code, 0, mended.out);
  const again = await aliceAt(server);
  await again.say(sick.room.id, 'four');
  assert.deepEqual(await wordsIn(again, sick.room.id), ['one', 'two', 'three', 'four']);
  await server.stop();
});
