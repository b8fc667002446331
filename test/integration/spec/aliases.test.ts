import { describe, it } from 'node:test';
import { freshName, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Room aliases';
const fresh = () => `#${freshName('alias')}:${shared.serverName}`;
const at = (alias: string) => path('directory', 'room', alias);

describe('room aliases', () => {
  it('can be set, looked up by anyone without a token, and deleted', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom();
    const alias = fresh();
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: roomId } }), `${section}, PUT`);
    const found = expectOk(await shared.http.ask('GET', at(alias)), `${section}, GET needs no token`);
    same(found['room_id'], roomId, section);
    check(
      Array.isArray(found['servers']) && found['servers'].includes(shared.serverName),
      `${section}: servers`,
      found,
    );
    expectOk(await user.ask('DELETE', at(alias)), `${section}, DELETE`);
    expectError(await shared.http.ask('GET', at(alias)), 404, 'M_NOT_FOUND', `${section}, GET, 404`);
  });

  it('can be set anew after they were deleted', async () => {
    const user = await shared.user();
    const [one, two] = [await user.createRoom(), await user.createRoom()];
    const alias = fresh();
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: one } }), section);
    expectOk(await user.ask('DELETE', at(alias)), section);
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: two } }), section);
    same(expectOk(await user.ask('GET', at(alias)), section)['room_id'], two, section);
  });

  it('are refused with 409 where they exist', async () => {
    const user = await shared.user();
    const [one, two] = [await user.createRoom(), await user.createRoom()];
    const alias = fresh();
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: one } }), section);
    const answer = await user.ask('PUT', at(alias), { json: { room_id: two } });
    expectError(answer, 409, ['M_UNKNOWN', 'M_ROOM_IN_USE'], `${section}, PUT, 409`);
  });

  it('go to one of two who set them at once', async () => {
    const users = await Promise.all([shared.user(), shared.user(), shared.user()]);
    const rooms = await Promise.all(users.map((user) => user.createRoom()));
    const alias = fresh();
    const answers = await Promise.all(
      users.map((user, i) => user.ask('PUT', at(alias), { json: { room_id: rooms[i] } })),
    );
    same(answers.filter((answer) => answer.status === 200).length, 1, `${section}: exactly one gets it`);
  });

  it('are not deleted by a stranger', async () => {
    const [user, stranger] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom();
    const alias = fresh();
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: roomId } }), section);
    const answer = await stranger.ask('DELETE', at(alias));
    expectError(answer, 403, 'M_FORBIDDEN', `${section}, DELETE: by their creator or an administrator`);
    expectOk(await user.ask('GET', at(alias)), section);
  });

  it('are refused with 400 M_INVALID_PARAM where the name is none', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom();
    for (const alias of ['noalias', '#no-server', `#${'x'.repeat(300)}:${shared.serverName}`])
      expectError(
        await user.ask('PUT', at(alias), { json: { room_id: roomId } }),
        400,
        'M_INVALID_PARAM',
        `${section}, PUT, 400 (${alias.slice(0, 20)})`,
      );
    expectError(await user.ask('GET', at('noalias')), 400, 'M_INVALID_PARAM', `${section}, GET, 400`);
  });

  it('are refused for another server', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom();
    const answer = await user.ask('PUT', at('#a:elsewhere.example'), { json: { room_id: roomId } });
    expectError(answer, [400, 403], ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_EXCLUSIVE'], section);
  });

  it('need a token to be set and a body to say for which room', async () => {
    const user = await shared.user();
    expectError(
      await shared.http.ask('PUT', at(fresh()), { json: { room_id: '!a' } }),
      401,
      'M_MISSING_TOKEN',
      `${section}, PUT needs a token`,
    );
    expectError(
      await user.ask('PUT', at(fresh()), { json: {} }),
      400,
      ['M_MISSING_PARAM', 'M_BAD_JSON'],
      `${section}, PUT: room_id is required`,
    );
  });

  it('are listed for the members of a room, and for nobody else', async () => {
    const rule = 'CS API, GET /rooms/{roomId}/aliases';
    const [user, stranger] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom();
    const alias = fresh();
    const list = () => user.ask('GET', path('rooms', roomId, 'aliases'));
    same(expectOk(await list(), rule)['aliases'], [], `${rule}: can be empty`);
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: roomId } }), section);
    same(expectOk(await list(), rule)['aliases'], [alias], rule);
    expectError(
      await stranger.ask('GET', path('rooms', roomId, 'aliases')),
      403,
      'M_FORBIDDEN',
      `${rule}, 403`,
    );
  });

  it('become canonical only where they point to the room', async () => {
    const rule = 'CS API, PUT state: m.room.canonical_alias';
    const user = await shared.user();
    const roomId = await user.createRoom();
    const where = path('rooms', roomId, 'state', 'm.room.canonical_alias', '');
    expectError(
      await user.ask('PUT', where, { json: { alias: fresh() } }),
      400,
      'M_BAD_ALIAS',
      `${rule}, M_BAD_ALIAS`,
    );
    expectError(
      await user.ask('PUT', where, { json: { alias: 'not an alias' } }),
      400,
      'M_INVALID_PARAM',
      `${rule}, M_INVALID_PARAM`,
    );
    const alias = fresh();
    expectOk(await user.ask('PUT', at(alias), { json: { room_id: roomId } }), section);
    expectOk(await user.ask('PUT', where, { json: { alias, alt_aliases: [alias] } }), rule);
  });
});
