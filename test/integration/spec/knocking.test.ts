import { describe, it } from 'node:test';
import { type Client, type ClientEvent, freshName, isObject, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Knocking on rooms';

const knock = (user: Client, room: string, json: Json = {}, query = '') =>
  user.ask('POST', `${path('knock', room)}${query}`, { json });

const act = (user: Client, roomId: string, what: string, json: object) =>
  user.ask('POST', path('rooms', roomId, what), { json });

async function knockable(rule: object = { join_rule: 'knock' }): Promise<readonly [Client, Client, string]> {
  const [owner, guest] = await Promise.all([shared.user('owner'), shared.user('guest')]);
  const roomId = await owner.createRoom({
    name: 'Behind the door',
    topic: 'Knock first',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: rule }],
  });
  return [owner, guest, roomId];
}

async function membership(user: Client, roomId: string, of: string): Promise<unknown> {
  return (await user.state(roomId, 'm.room.member', of))['membership'];
}

/** The stripped state under `rooms.knock` of a sync. */
function knockState(answer: object, roomId: string): readonly ClientEvent[] | undefined {
  const rooms = 'rooms' in answer && isObject(answer.rooms) ? answer.rooms : {};
  const knocks = isObject(rooms['knock']) ? rooms['knock'] : {};
  const room = knocks[roomId];
  if (!isObject(room) || !isObject(room['knock_state'])) return undefined;
  return room['knock_state']['events'] as readonly ClientEvent[];
}

describe('knocking', () => {
  it('asks for permission to join a room whose join rule is knock, with a reason', async () => {
    const [owner, guest, roomId] = await knockable();
    const body = expectOk(await knock(guest, roomId, { reason: 'let me in' }), section);
    same(body['room_id'], roomId, `${section}: the room ID must be returned`);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same([member['membership'], member['reason']], ['knock', 'let me in'], section);
  });

  it('takes an alias and "via"', async () => {
    const [owner, guest, roomId] = await knockable();
    const alias = `#${freshName('knock')}:${shared.serverName}`;
    await owner.get200('PUT', path('directory', 'room', alias), { json: { room_id: roomId } });
    const answer = await knock(guest, alias, {}, `?via=${shared.serverName}&via=elsewhere.example`);
    same(expectOk(answer, `${section}, via`)['room_id'], roomId, section);
  });

  it('works on knock_restricted rooms', async () => {
    const [owner, guest, roomId] = await knockable({ join_rule: 'knock_restricted', allow: [] });
    expectOk(await knock(guest, roomId), `${section}: knock_restricted (added in v1.3)`);
    same(await membership(owner, roomId, guest.userId), 'knock', section);
  });

  for (const version of ['11', '12'])
    it(`works in rooms of version ${version}`, async () => {
      const [owner, guest] = await Promise.all([shared.user(), shared.user()]);
      const roomId = await owner.createRoom({
        room_version: version,
        initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
      });
      expectOk(await knock(guest, roomId), section);
      same(await membership(owner, roomId, guest.userId), 'knock', section);
    });

  it('is refused with 403 where the join rules do not allow it', async () => {
    for (const rule of ['invite', 'public']) {
      const [, guest, roomId] = await knockable({ join_rule: rule });
      expectError(await knock(guest, roomId), 403, 'M_FORBIDDEN', `${section}, 403: not set up (${rule})`);
    }
  });

  it('is refused with 403 to the banned, the invited and members', async () => {
    const [owner, guest, roomId] = await knockable();
    expectError(await knock(owner, roomId), 403, 'M_FORBIDDEN', `${section}: currently in the room`);
    await owner.invite(roomId, guest.userId);
    expectError(await knock(guest, roomId), 403, 'M_FORBIDDEN', `${section}: already invited`);
    expectOk(await act(owner, roomId, 'ban', { user_id: guest.userId }), section);
    expectError(await knock(guest, roomId), 403, 'M_FORBIDDEN', `${section}, 403: banned`);
  });

  it('answers 404 for a room or alias that nobody knows', async () => {
    const guest = await shared.user();
    expectError(await knock(guest, `!${'k'.repeat(43)}`), 404, 'M_NOT_FOUND', `${section}, 404`);
    expectError(
      await knock(guest, `#nobody-has-this:${shared.serverName}`),
      404,
      'M_NOT_FOUND',
      `${section}, 404`,
    );
  });

  it('needs a token, and a room or alias for a name', async () => {
    const guest = await shared.user();
    expectError(
      await shared.http.ask('POST', path('knock', `!${'k'.repeat(43)}`), { json: {} }),
      401,
      'M_MISSING_TOKEN',
      section,
    );
    expectError(await knock(guest, 'a room'), 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], section);
  });

  it('lets the knocker neither in nor see what is said', async () => {
    const [owner, guest, roomId] = await knockable();
    const said = await owner.say(roomId, 'behind the door');
    expectOk(await knock(guest, roomId), section);
    expectError(
      await act(guest, roomId, 'join', {}),
      403,
      'M_FORBIDDEN',
      'CS API, m.room.member: from knock',
    );
    expectError(
      await guest.ask('GET', path('rooms', roomId, 'event', said)),
      404,
      'M_NOT_FOUND',
      'CS API, Room history visibility: shared needs a join',
    );
    expectError(
      await guest.ask('GET', `${path('rooms', roomId, 'messages')}?dir=b`),
      403,
      'M_FORBIDDEN',
      'CS API, GET messages, 403',
    );
  });
});

describe('a knock in /sync', () => {
  const rule = 'CS API, GET /sync, rooms.knock';

  it('reaches the knocker as stripped state that includes the create event and the knock', async () => {
    const [, guest, roomId] = await knockable();
    const { next_batch } = await guest.sync();
    expectOk(await knock(guest, roomId), section);
    const answer = await guest.syncUntil(next_batch, (sync) => knockState(sync, roomId) !== undefined);
    const events = knockState(answer, roomId) ?? [];
    for (const event of events) {
      const keys = Object.keys(event).filter(
        (key) => !['content', 'sender', 'state_key', 'type'].includes(key),
      );
      same(keys, [], `CS API, Stripped state: only four properties (${event.type})`);
    }
    const types = events.map((event) => event.type);
    check(types.includes('m.room.create'), 'CS API, Stripped state: m.room.create is required', types);
    check(types.includes('m.room.name') && types.includes('m.room.join_rules'), rule, types);
    const own = events.find((event) => event.type === 'm.room.member' && event.state_key === guest.userId);
    same(own?.content['membership'], 'knock', rule);
  });

  it('is in an initial sync too, and gone when it is retracted', async () => {
    const [owner, guest, roomId] = await knockable();
    expectOk(await knock(guest, roomId), section);
    const first = await guest.syncUntil(undefined, (sync) => knockState(sync, roomId) !== undefined);
    same(first.rooms?.join?.[roomId], undefined, rule);
    await guest.leave(roomId);
    same(await membership(owner, roomId, guest.userId), 'leave', `${section}: retracted by /leave`);
    const after = await guest.syncUntil(
      first.next_batch,
      (sync) => sync.rooms?.leave?.[roomId] !== undefined,
    );
    same(knockState(after, roomId), undefined, rule);
    same(knockState(await guest.sync(), roomId), undefined, rule);
  });

  it('reaches the members of the room as a membership event', async () => {
    const [owner, guest, roomId] = await knockable();
    const { next_batch } = await owner.sync();
    expectOk(await knock(guest, roomId, { reason: 'hello' }), section);
    const seen = await owner.syncUntil(
      next_batch,
      (sync) =>
        sync.rooms?.join?.[roomId]?.timeline?.events.some((event) => event.state_key === guest.userId) ===
        true,
    );
    const event = seen.rooms?.join?.[roomId]?.timeline?.events.find((one) => one.state_key === guest.userId);
    same(event?.content['membership'], 'knock', section);
  });

  it('becomes an invitation when it is accepted', async () => {
    const [owner, guest, roomId] = await knockable();
    expectOk(await knock(guest, roomId), section);
    const { next_batch } = await guest.sync();
    await owner.invite(roomId, guest.userId);
    const answer = await guest.syncUntil(next_batch, (sync) => sync.rooms?.invite?.[roomId] !== undefined);
    same(knockState(answer, roomId), undefined, rule);
    await guest.join(roomId);
    same(await membership(owner, roomId, guest.userId), 'join', `${section}: accepted`);
  });

  it('leaves the knocker’s rooms when it is denied', async () => {
    const [owner, guest, roomId] = await knockable();
    expectOk(await knock(guest, roomId), section);
    const { next_batch } = await guest.sync();
    expectOk(await act(owner, roomId, 'kick', { user_id: guest.userId, reason: 'no' }), section);
    same(await membership(owner, roomId, guest.userId), 'leave', `${section}: denied by /kick`);
    const answer = await guest.syncUntil(next_batch, (sync) => sync.rooms?.leave?.[roomId] !== undefined);
    same(knockState(answer, roomId), undefined, rule);
    expectOk(await knock(guest, roomId), `${section}: from leave, one may knock again`);
  });
});

describe('who may answer a knock', () => {
  it('only those who may invite accept it, and only those who may kick or ban deny it', async () => {
    const [owner, guest, third] = await Promise.all([shared.user(), shared.user(), shared.user()]);
    const roomId = await owner.createRoom({
      preset: 'public_chat',
      power_level_content_override: { invite: 50 },
    });
    await third.join(roomId);
    await owner.setState(roomId, 'm.room.join_rules', '', { join_rule: 'knock' });
    expectOk(await knock(guest, roomId), section);
    expectError(await act(third, roomId, 'invite', { user_id: guest.userId }), 403, 'M_FORBIDDEN', section);
    expectError(await act(third, roomId, 'kick', { user_id: guest.userId }), 403, 'M_FORBIDDEN', section);
    expectError(await act(third, roomId, 'ban', { user_id: guest.userId }), 403, 'M_FORBIDDEN', section);
    same(await membership(owner, roomId, guest.userId), 'knock', section);
    expectOk(await act(owner, roomId, 'ban', { user_id: guest.userId }), `${section}: denied by /ban`);
  });
});
