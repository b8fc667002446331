import { describe, it } from 'node:test';
import { type Client, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

describe('typing', () => {
  const section = 'CS API, PUT /rooms/{roomId}/typing/{userId}';
  const type = (user: Client, roomId: string, json: object, who = user.userId) =>
    user.ask('PUT', path('rooms', roomId, 'typing', who), { json });

  /** Syncs until typing news of the room come, and gives the users that they name. */
  async function typists(user: Client, roomId: string, since: string): Promise<readonly [unknown, string]> {
    const answer = await user.syncUntil(
      since,
      (sync) =>
        sync.rooms?.join?.[roomId]?.ephemeral?.events.some((event) => event.type === 'm.typing') === true,
    );
    const event = answer.rooms?.join?.[roomId]?.ephemeral?.events.find((one) => one.type === 'm.typing');
    return [event?.content['user_ids'], answer.next_batch];
  }

  it('reaches the others, and so does its end', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const { next_batch } = await owner.sync();
    expectOk(await type(guest, roomId, { typing: true, timeout: 20_000 }), section);
    const [first, token] = await typists(owner, roomId, next_batch);
    same(first, [guest.userId], 'CS API, m.typing: user_ids');
    expectOk(await type(guest, roomId, { typing: false }), section);
    const [then] = await typists(owner, roomId, token);
    same(then, [], 'CS API, m.typing: the list replaces what was known');
  });

  it('ends by itself after its timeout', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const { next_batch } = await owner.sync();
    expectOk(await type(guest, roomId, { typing: true, timeout: 500 }), section);
    const [, token] = await typists(owner, roomId, next_batch);
    const [then] = await typists(owner, roomId, token);
    same(then, [], `${section}: typing for the next N milliseconds`);
  });

  it('is refused for others, for strangers, and without "typing"', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const stranger = await shared.user();
    expectError(await type(owner, roomId, { typing: true }, guest.userId), 403, 'M_FORBIDDEN', section);
    expectError(await type(stranger, roomId, { typing: true }), 403, 'M_FORBIDDEN', section);
    expectError(
      await type(owner, roomId, {}),
      400,
      ['M_BAD_JSON', 'M_MISSING_PARAM'],
      `${section}: typing is required`,
    );
  });
});

describe('account data', () => {
  const section = 'CS API, Client config';

  it('is kept and comes down /sync, globally and for a room', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom();
    const { next_batch } = await user.sync();
    const global = path('user', user.userId, 'account_data', 'org.example.global');
    const local = path('user', user.userId, 'rooms', roomId, 'account_data', 'org.example.local');
    expectOk(await user.ask('PUT', global, { json: { a: 1 } }), section);
    expectOk(await user.ask('PUT', local, { json: { b: 2 } }), section);
    same(expectOk(await user.ask('GET', global), section), { a: 1 }, section);
    same(expectOk(await user.ask('GET', local), section), { b: 2 }, section);
    const answer = await user.sync({ since: next_batch });
    const seen = answer.account_data?.events.find((event) => event.type === 'org.example.global');
    same(seen?.content, { a: 1 }, `${section}: /sync account_data`);
    const inRoom = answer.rooms?.join?.[roomId]?.account_data?.events.find(
      (event) => event.type === 'org.example.local',
    );
    same(inRoom?.content, { b: 2 }, `${section}: /sync rooms.join.account_data`);
  });

  it('is in an initial sync too, newest value only', async () => {
    const user = await shared.user();
    const where = path('user', user.userId, 'account_data', 'org.example.v');
    for (const v of [1, 2, 3]) expectOk(await user.ask('PUT', where, { json: { v } }), section);
    const seen = (await user.sync()).account_data?.events.filter((event) => event.type === 'org.example.v');
    same(
      seen?.map((event) => event.content),
      [{ v: 3 }],
      section,
    );
  });

  it('includes the push rules', async () => {
    const user = await shared.user();
    const rules = (await user.sync()).account_data?.events.find((event) => event.type === 'm.push_rules');
    check(rules !== undefined && 'global' in rules.content, 'CS API, m.push_rules: in account data', rules);
  });

  it('is nobody else’s: 403 M_FORBIDDEN', async () => {
    const [user, other] = [await shared.user(), await shared.user()];
    const where = path('user', other.userId, 'account_data', 'org.example.x');
    expectError(await user.ask('PUT', where, { json: {} }), 403, 'M_FORBIDDEN', `${section}, PUT, 403`);
    expectError(await user.ask('GET', where), 403, 'M_FORBIDDEN', `${section}, GET, 403`);
    const roomId = await user.createRoom();
    const inRoom = where.replace('/account_data/', `/rooms/${encodeURIComponent(roomId)}/account_data/`);
    expectError(
      await user.ask('PUT', inRoom, { json: {} }),
      403,
      'M_FORBIDDEN',
      `${section}, rooms, PUT, 403`,
    );
    expectError(await user.ask('GET', inRoom), 403, 'M_FORBIDDEN', `${section}, rooms, GET, 403`);
  });

  it('that was never set is 404 M_NOT_FOUND', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom();
    expectError(
      await user.ask('GET', path('user', user.userId, 'account_data', 'org.example.none')),
      404,
      'M_NOT_FOUND',
      `${section}, GET, 404`,
    );
    expectError(
      await user.ask('GET', path('user', user.userId, 'rooms', roomId, 'account_data', 'org.example.none')),
      404,
      'M_NOT_FOUND',
      `${section}, GET, 404`,
    );
  });

  it('of the server’s own kinds cannot be set: 405 M_BAD_JSON', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom();
    for (const type of ['m.push_rules', 'm.fully_read'])
      expectError(
        await user.ask('PUT', path('user', user.userId, 'account_data', type), { json: {} }),
        405,
        'M_BAD_JSON',
        `${section}, PUT, 405 (${type})`,
      );
    expectError(
      await user.ask('PUT', path('user', user.userId, 'rooms', roomId, 'account_data', 'm.fully_read'), {
        json: {},
      }),
      405,
      'M_BAD_JSON',
      `${section}, PUT, 405`,
    );
  });

  it('of a room whose ID is none is refused with 400 M_INVALID_PARAM', async () => {
    const user = await shared.user();
    const answer = await user.ask(
      'PUT',
      path('user', user.userId, 'rooms', 'noroom', 'account_data', 'org.x'),
      {
        json: {},
      },
    );
    expectError(answer, 400, 'M_INVALID_PARAM', `${section}, PUT in a room, 400`);
  });
});
