import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startApart } from '../support/apart.ts';
import { Client, path, register } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { startServer } from '../support/server.ts';

/** Rooms of the user: enough that some are told and some are not when the process dies. */
const ROOMS = 40;
const ROUNDS = 5;

/** Every room of the user shows the name, by exactly one event. */
async function expectTold(user: Client, rooms: readonly string[], name: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (const roomId of rooms) {
    for (;;) {
      const { chunk } = await user.messages(roomId, { dir: 'b', limit: '100' });
      const told = chunk.filter(
        ({ type, content }) => type === 'm.room.member' && content['displayname'] === name,
      );
      if (told.length === 1) break;
      assert.equal(told.length, 0, `${name} is told twice in ${roomId}`);
      assert.ok(performance.now() < deadline, `${name} is not told in ${roomId}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function rename(user: Client, displayname: string): Promise<void> {
  await user.get200('PUT', path('profile', user.userId, 'displayname'), { json: { displayname } });
}

async function manyRooms(user: Client): Promise<readonly string[]> {
  const rooms: string[] = [];
  for (let index = 0; index < ROOMS; index++) rooms.push(await user.createRoom());
  return rooms;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a new display name', () => {
  it('reaches every room once, though the whole server is killed right after the 200', async () => {
    await using server = await startServer();
    const first = await register(new Http(server.url));
    const rooms = await manyRooms(first);
    for (let round = 0; round < ROUNDS; round++) {
      await rename(new Client(new Http(server.url), first), `name ${round}`);
      // The first time at once; then while some rooms are told and some are not.
      await pause(round * 15);
      await server.kill();
      await server.restart();
      await expectTold(new Client(new Http(server.url), first), rooms, `name ${round}`);
    }
  });

  it('reaches every room once, though the API node and the manager are killed right after the 200', async () => {
    await using apart = await startApart({ roles: ['owner,projector', 'manager', 'api'] });
    const user = await register(new Http(apart.url));
    const rooms = await manyRooms(user);
    for (const [round, victims] of [['api'], ['manager'], ['api', 'manager']].entries()) {
      await rename(new Client(new Http(apart.url), user), `name ${round}`);
      await pause(round * 10);
      await Promise.all(victims.map((role) => apart.process(role).kill()));
      for (const role of victims) await apart.process(role).start();
      await expectTold(new Client(new Http(apart.url), user), rooms, `name ${round}`);
    }
  });

  it('that came while no manager ran is told when one does', async () => {
    await using apart = await startApart({ roles: ['owner,projector', 'manager', 'api'] });
    const user = await register(new Http(apart.url));
    const rooms = [await user.createRoom(), await user.createRoom()];
    await apart.process('manager').stop();
    await rename(user, 'first');
    await rename(user, 'second');
    await apart.process('manager').start();
    await expectTold(user, rooms, 'second');
  });
});
