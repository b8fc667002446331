import { describe, it } from 'node:test';
import { type Client, freshName, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const fresh = () => `#${freshName('alias')}:${shared.serverName}`;
const at = (alias: string) => path('directory', 'room', alias);
const set = (user: Client, alias: string, room_id: string) =>
  user.ask('PUT', at(alias), { json: { room_id } });

describe('who may set and remove an alias', () => {
  const section = 'CS API, Room aliases';

  it('a member may set one and remove it again', async () => {
    const [, guest, roomId] = await shared.pair();
    const alias = fresh();
    expectOk(await set(guest, alias, roomId), `${section}, PUT`);
    expectOk(await guest.ask('DELETE', at(alias)), `${section}, DELETE: by its creator`);
  });

  it('who may change the canonical alias may remove those of others', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const alias = fresh();
    expectOk(await set(guest, alias, roomId), section);
    expectOk(await owner.ask('DELETE', at(alias)), `${section}, DELETE`);
    expectError(await shared.http.ask('GET', at(alias)), 404, 'M_NOT_FOUND', section);
  });

  it('a member without that power may not', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const alias = fresh();
    expectOk(await set(owner, alias, roomId), section);
    expectError(await guest.ask('DELETE', at(alias)), 403, 'M_FORBIDDEN', `${section}, DELETE`);
  });

  it('a stranger to the room may not set one, nor may one be set for a room that nobody knows', async () => {
    const [, , roomId] = await shared.pair();
    const stranger = await shared.user();
    expectError(await set(stranger, fresh(), roomId), 403, 'M_FORBIDDEN', `${section}, PUT`);
    expectError(
      await set(stranger, fresh(), `!${'n'.repeat(43)}`),
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      `${section}, PUT`,
    );
  });

  it('the creator may remove it also after leaving', async () => {
    const [, guest, roomId] = await shared.pair();
    const alias = fresh();
    expectOk(await set(guest, alias, roomId), section);
    await guest.leave(roomId);
    expectOk(await guest.ask('DELETE', at(alias)), `${section}, DELETE: by its creator`);
  });

  it('an alias that is not there cannot be removed: 404', async () => {
    const [owner] = await shared.pair();
    expectError(await owner.ask('DELETE', at(fresh())), 404, 'M_NOT_FOUND', `${section}, DELETE, 404`);
    expectError(
      await owner.ask('DELETE', at('#a:elsewhere.example')),
      [400, 403, 404],
      ['M_NOT_FOUND', 'M_INVALID_PARAM', 'M_FORBIDDEN'],
      `${section}, DELETE`,
    );
    expectError(await shared.http.ask('DELETE', at(fresh())), 401, 'M_MISSING_TOKEN', section);
  });

  it('may have any letter but ":" and NUL, and 255 bytes in all', async () => {
    const rule = 'Appendices, Room Aliases';
    const [owner, , roomId] = await shared.pair();
    const unique = freshName('ä ö+/?#@!');
    const alias = `#${unique}:${shared.serverName}`;
    expectOk(await set(owner, alias, roomId), `${rule}: any Unicode codepoint`);
    same(expectOk(await shared.http.ask('GET', at(alias)), rule)['room_id'], roomId, rule);
    expectError(
      await set(owner, `#${unique}\u0000:${shared.serverName}`, roomId),
      400,
      'M_INVALID_PARAM',
      `${rule}: NUL`,
    );
    const room = 255 - 2 - Buffer.byteLength(shared.serverName);
    const long = freshName('long').padEnd(room, 'x');
    expectOk(await set(owner, `#${long}:${shared.serverName}`, roomId), `${rule}: 255 bytes`);
    expectError(
      await set(owner, `#${long}x:${shared.serverName}`, roomId),
      400,
      'M_INVALID_PARAM',
      `${rule}: MUST NOT exceed 255 bytes`,
    );
  });
});

describe('the list of a room’s aliases', () => {
  const section = 'CS API, GET /rooms/{roomId}/aliases';
  const list = (user: Client, roomId: string) => user.ask('GET', path('rooms', roomId, 'aliases'));

  it('is open to any user where the history is world-readable', async () => {
    const [owner, stranger] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    });
    const alias = fresh();
    expectOk(await set(owner, alias, roomId), section);
    same(expectOk(await list(stranger, roomId), `${section}: world_readable`)['aliases'], [alias], section);
  });

  it('is closed to the invited, the banned and those who left', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const [invited, banned] = [await shared.user(), await shared.user()];
    await owner.invite(roomId, invited.userId);
    await banned.join(roomId);
    await owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: banned.userId } });
    await guest.leave(roomId);
    for (const user of [invited, banned, guest])
      expectError(
        await list(user, roomId),
        403,
        'M_FORBIDDEN',
        `${section}, 403: only users who are in the room`,
      );
  });

  it('wants a room ID', async () => {
    const user = await shared.user();
    expectError(await list(user, 'noroom'), 400, 'M_INVALID_PARAM', `${section}, 400`);
  });
});

describe('a canonical alias', () => {
  const section = 'CS API, PUT state, m.room.canonical_alias';
  const put = (user: Client, roomId: string, json: Json) =>
    user.ask('PUT', path('rooms', roomId, 'state', 'm.room.canonical_alias', ''), { json });

  it('may not name an alias of another room, in alias or alt_aliases', async () => {
    const owner = await shared.user();
    const [here, there] = [await owner.createRoom(), await owner.createRoom()];
    const [mine, theirs] = [fresh(), fresh()];
    expectOk(await set(owner, mine, here), section);
    expectOk(await set(owner, theirs, there), section);
    expectError(await put(owner, here, { alias: theirs }), 400, 'M_BAD_ALIAS', section);
    expectError(await put(owner, here, { alias: mine, alt_aliases: [theirs] }), 400, 'M_BAD_ALIAS', section);
    expectError(await put(owner, here, { alt_aliases: [mine, fresh()] }), 400, 'M_BAD_ALIAS', section);
    expectOk(await put(owner, here, { alt_aliases: [mine] }), `${section}: alias may be absent`);
  });

  it('may not hold what is no alias', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    for (const json of [
      { alias: '@user:x' },
      { alias: 7 },
      { alt_aliases: ['nothing'] },
      { alt_aliases: [null] },
      { alt_aliases: 'text' },
    ])
      expectError(
        await put(owner, roomId, json),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON'],
        `${section}, M_INVALID_PARAM (${JSON.stringify(json)})`,
      );
  });

  it('keeps aliases that it had, also when they point nowhere any more', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const [old, other] = [fresh(), fresh()];
    expectOk(await set(owner, old, roomId), section);
    expectOk(await put(owner, roomId, { alias: old }), section);
    expectOk(await owner.ask('DELETE', at(old)), section);
    expectOk(await set(owner, other, roomId), section);
    expectOk(
      await put(owner, roomId, { alias: other, alt_aliases: [old] }),
      `${section}: servers do not validate aliases already present`,
    );
    expectOk(await put(owner, roomId, { alias: other }), `${section}: nor those being removed`);
    expectError(
      await put(owner, roomId, { alias: other, alt_aliases: [old] }),
      400,
      'M_BAD_ALIAS',
      `${section}: now it is new`,
    );
  });

  it('may be emptied', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom({ room_alias_name: freshName('emptied') });
    for (const json of [{ alias: '' }, { alias: null }, {}])
      expectOk(
        await put(owner, roomId, json),
        `CS API, m.room.canonical_alias: not present, null or empty (${JSON.stringify(json)})`,
      );
    check(!('alias' in (await owner.state(roomId, 'm.room.canonical_alias'))), 'CS API, PUT state', roomId);
  });

  it('is checked by /send’s sibling only: as a message event the type means nothing', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    await owner.send(roomId, 'm.room.canonical_alias', { alias: 'anything' });
  });
});

describe('joining by alias', () => {
  const section = 'CS API, POST /join/{roomIdOrAlias}';

  it('takes "via", "server_name" and a reason', async () => {
    const [owner, , roomId] = await shared.pair();
    const alias = fresh();
    expectOk(await set(owner, alias, roomId), section);
    const user = await shared.user();
    const where = `${path('join', alias)}?via=elsewhere.example&via=${shared.serverName}&server_name=x.example`;
    const body = expectOk(await user.ask('POST', where, { json: { reason: 'by alias' } }), `${section}, via`);
    same(body['room_id'], roomId, `${section}: the joined room ID must be returned`);
    const member = await owner.state(roomId, 'm.room.member', user.userId);
    same([member['membership'], member['reason']], ['join', 'by alias'], section);
  });

  it('follows an alias that was moved', async () => {
    const owner = await shared.user();
    const [one, two] = [
      await owner.createRoom({ preset: 'public_chat' }),
      await owner.createRoom({ preset: 'public_chat' }),
    ];
    const alias = fresh();
    expectOk(await set(owner, alias, one), section);
    expectOk(await owner.ask('DELETE', at(alias)), section);
    expectOk(await set(owner, alias, two), section);
    const user = await shared.user();
    same(await user.join(alias), two, section);
  });

  it('keeps the banned and the uninvited out with 403', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const [alias, closed] = [fresh(), fresh()];
    const secret = await owner.createRoom();
    expectOk(await set(owner, alias, roomId), section);
    expectOk(await set(owner, closed, secret), section);
    await owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: guest.userId } });
    for (const name of [alias, closed])
      expectError(
        await guest.ask('POST', path('join', name), { json: {} }),
        403,
        'M_FORBIDDEN',
        `${section}, 403`,
      );
  });
});
