import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Client, freshName, freshTransaction, isObject, path, register } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { type Server, startServer } from '../support/server.ts';

/** The steps of `src/owner/create-room-saga.ts`, in order. */
const FORWARD = ['started', 'reserved', 'created', 'settled', 'listed'] as const;

describe('createRoom with an alias and invitations, killed after each of its steps in turn', () => {
  for (const step of FORWARD)
    it(`killed after "${step}", it is finished by the next owner`, async () => {
      await using server = await crashing(step);
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
    });

  it('killed after "released" of a room whose invitations are refused, it is undone', async () => {
    await using server = await crashing('released');
    const { owner, aliasName } = await people(server);
    // The room's own rules refuse its name: the alias was reserved by then and must come free.
    const body = {
      room_version: '11',
      room_alias_name: aliasName,
      power_level_content_override: { users: { [owner.userId]: 0 } },
      name: 'not allowed',
    };
    const answer = await owner.ask('POST', path('createRoom'), { json: body }).catch(() => undefined);
    // A refusal before anything was begun would be just as well: nothing is left over either way.
    if (answer !== undefined)
      assert.equal(answer.status, 400, `CS API, POST /createRoom, 400: ${answer.text}`);
    else {
      assert.ok(await ended(server), 'without an answer the server should have ended');
      await takeOver(server);
    }
    const after = again(owner, server);
    const alias = `#${aliasName}:${server.serverName}`;
    const found = await after.ask('GET', path('directory', 'room', alias));
    assert.equal(found.status, 404, `the alias must be free again: ${found.text}`);
    const joined = await after.get200('GET', path('joined_rooms'));
    assert.deepEqual(joined['joined_rooms'], [], 'no half-made room may be left');
    const roomId = await after.createRoom({ room_alias_name: aliasName });
    assert.ok(roomId.startsWith('!'), 'the alias can be used by the next room');
  });
});

function crashing(step: string): Promise<Server> {
  return startServer({ env: { NODE_ENV: 'test', MILENA_TEST_CRASH_AT: step } });
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
