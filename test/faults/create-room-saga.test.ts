import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, freshName, freshTransaction, isObject, path, register } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { type Kafka, kafkaOrReason } from '../support/kafka.ts';
import { type Server, startServer } from '../support/server.ts';

/** The steps of `src/owner/create-room-saga.ts`, in order. */
const FORWARD = ['started', 'reserved', 'created', 'settled', 'listed'] as const;

/** The steps on the way to a refusal. */
const UNDOING = ['started', 'reserved', 'released'] as const;

/** `postgres` or `kafka`. */
const LOG = process.env['FAULT_LOG'] === 'kafka' ? 'kafka' : 'postgres';

describe(`createRoom with an alias and invitations, killed after each of its steps in turn, log: ${LOG}`, () => {
  let skip: string | undefined;
  let kafka: Kafka | undefined;
  let server: Server;
  before(async () => {
    const found = LOG === 'kafka' ? await kafkaOrReason() : undefined;
    if (found !== undefined && 'skip' in found) skip = found.skip;
    else {
      kafka = found;
      server = await startServer({ log: LOG, env: { NODE_ENV: 'test', ...brokers(found) } });
    }
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await kafka?.stop();
  });

  for (const step of FORWARD)
    it(`killed after "${step}", it is finished by the next owner`, async (t) => {
      if (skip !== undefined) return t.skip(skip);
      await crashingAt(server, step);
      await finished(server, step);
    });

  for (const step of UNDOING)
    it(`killed after "${step}" of a room whose events are refused, it is undone`, async (t) => {
      if (skip !== undefined) return t.skip(skip);
      await crashingAt(server, step);
      await undone(server, step);
    });
});

async function finished(server: Server, step: string): Promise<void> {
  const { owner, guest, aliasName } = await people(server);
  const body = {
    preset: 'public_chat',
    visibility: 'public',
    room_alias_name: aliasName,
    invite: [guest.userId],
    name: 'Saga',
  };
  await owner.ask('POST', path('createRoom'), { json: body }).catch(() => undefined);
  assert.ok(await ended(server), `MILENA_TEST_CRASH_AT=${step} should have ended the server`);
  await takeOver(server);
  await expectWhole(server, again(owner, server), again(guest, server), aliasName);
}

async function undone(server: Server, step: string): Promise<void> {
  const { owner, aliasName } = await people(server);
  // The room's own rules refuse its name: the alias was reserved by then and must come free.
  const body = {
    room_version: '11',
    room_alias_name: aliasName,
    power_level_content_override: { users: { [owner.userId]: 0 } },
    name: 'not allowed',
  };
  await owner.ask('POST', path('createRoom'), { json: body }).catch(() => undefined);
  assert.ok(await ended(server), `MILENA_TEST_CRASH_AT=${step} should have ended the server`);
  await takeOver(server);
  const after = again(owner, server);
  const roomId = await untilFree(after, aliasName);
  const joined = await after.get200('GET', path('joined_rooms'));
  assert.deepEqual(joined['joined_rooms'], [roomId], 'no half-made room may be left');
  const alias = `#${aliasName}:${server.serverName}`;
  assert.equal((await untilFound(after, alias))['room_id'], roomId, 'the alias is the next room’s');
}

/** Eight slots, as embedded: the topics of 64 would take longer to make than all the rest. */
function brokers(kafka: Kafka | undefined): Record<string, string> {
  return kafka === undefined ? {} : { MILENA_KAFKA_BROKERS: kafka.brokers.join(','), MILENA_SLOTS: '8' };
}

/** Starts the server anew so that it ends itself, as kill -9 does, after this step of a saga. */
async function crashingAt(server: Server, step: string): Promise<void> {
  await server.process.stop();
  await server.process.start({ MILENA_TEST_CRASH_AT: step });
}

async function people(server: Server): Promise<{ owner: Client; guest: Client; aliasName: string }> {
  const http = new Http(server.url);
  return { owner: await register(http), guest: await register(http), aliasName: freshName('saga') };
}

/** Whether the process ends by itself within ten seconds. */
function ended(server: Server): Promise<boolean> {
  return server.process.gone(10_000);
}

/** The next owner, which nobody kills. */
function takeOver(server: Server): Promise<void> {
  return server.process.start({ MILENA_TEST_CRASH_AT: '' });
}

async function expectWhole(server: Server, owner: Client, guest: Client, aliasName: string): Promise<void> {
  const alias = `#${aliasName}:${server.serverName}`;
  const found = await untilFound(owner, alias);
  const roomId = String(found['room_id']);
  const joined = await owner.get200('GET', path('joined_rooms'));
  assert.deepEqual(joined['joined_rooms'], [roomId], 'one room, and the creator is in it');
  assert.equal((await owner.state(roomId, 'm.room.canonical_alias'))['alias'], alias);
  assert.equal((await owner.state(roomId, 'm.room.name'))['name'], 'Saga');
  const invited = (await guest.sync()).rooms?.invite ?? {};
  assert.deepEqual(Object.keys(invited), [roomId], 'the guest is invited, once');
  const listed = await owner.get200('GET', path('directory', 'list', 'room', roomId));
  assert.equal(listed['visibility'], 'public', 'the room is in the directory');
  const members = (await owner.history(roomId)).filter(
    (event) => event.type === 'm.room.member' && event.state_key === guest.userId,
  );
  assert.equal(members.length, 1, 'one invitation in the history');
  await owner.say(roomId, 'it works', freshTransaction());
}

/** Makes a room with the alias as soon as nobody holds it any more. @returns the room. */
async function untilFree(client: Client, aliasName: string): Promise<string> {
  let last = '';
  for (let tries = 0; tries < 100; tries++) {
    const answer = await client.ask('POST', path('createRoom'), { json: { room_alias_name: aliasName } });
    if (answer.status === 200 && isObject(answer.json)) return String(answer.json['room_id']);
    last = answer.text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return assert.fail(`the alias of a refused room must come free (architecture, section 4: sagas): ${last}`);
}

async function untilFound(client: Client, alias: string) {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await client.ask('GET', path('directory', 'room', alias)).catch(() => undefined);
    if (answer?.status === 200 && isObject(answer.json)) return answer.json;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return assert.fail(`${alias} should have been set by the next owner (architecture, section 4: sagas)`);
}

/** The same device over new connections. */
function again(client: Client, server: Server): Client {
  return new (client.constructor as new (http: Http, who: Client) => Client)(new Http(server.url), client);
}
