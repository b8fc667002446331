import { describe, it } from 'node:test';
import { Client, freshName, path, text } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer({ env: { MILENA_GUESTS: 'on' } });
const section = 'CS API, Guest Access';
const CAN_JOIN = { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } };
const FORBIDDEN = { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'forbidden' } };

describe('guest accounts', () => {
  it('are made without stages, and of what is sent only the device’s name counts', async () => {
    const body = {
      username: 'wanted',
      password: 'x',
      device_id: 'WANTED',
      initial_device_display_name: 'Phone',
    };
    const guest = await shared.guest(body);
    check(!guest.userId.includes('wanted') && guest.deviceId !== 'WANTED', section, guest.userId);
    const me = expectOk(await guest.ask('GET', path('account', 'whoami')), section);
    same([me['user_id'], me['is_guest']], [guest.userId, true], section);
    const device = expectOk(await guest.ask('GET', path('devices', guest.deviceId)), section);
    same(device['display_name'], 'Phone', section);
    const login = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: guest.userId },
      password: 'x',
    };
    expectError(await shared.http.ask('POST', path('login'), { json: login }), 403, 'M_FORBIDDEN', section);
    const owner = await shared.user('owner');
    same(expectOk(await owner.ask('GET', path('account', 'whoami')), section)['is_guest'], false, section);
  });

  it('may use what the spec lists and clients cannot do without, and nothing else: 403 M_GUEST_ACCESS_FORBIDDEN', async () => {
    const guest = await shared.guest();
    const own = (name: string) => path('profile', guest.userId, name);
    const closed = [
      ['POST', path('createRoom'), {}],
      ['GET', path('joined_rooms'), undefined],
      ['PUT', own('avatar_url'), { avatar_url: 'mxc://localhost/a' }],
      ['DELETE', path('devices', guest.deviceId), {}],
      ['POST', path('delete_devices'), { devices: [] }],
      ['POST', path('account', 'password'), { new_password: 'something long' }],
      ['POST', path('account', 'deactivate'), {}],
      ['POST', '/_matrix/client/v1/login/get_token', {}],
      ['PUT', path('user', guest.userId, 'account_data', 'org.example'), {}],
      ['POST', path('rooms', '!r:localhost', 'invite'), { user_id: '@a:localhost' }],
      ['PUT', path('pushrules', 'global', 'room', '!a:b'), { actions: [] }],
      ['POST', path('knock', '!r:localhost'), {}],
    ] as const;
    for (const [method, where, json] of closed) {
      const answer = await guest.ask(method, where, json === undefined ? {} : { json });
      expectError(answer, 403, 'M_GUEST_ACCESS_FORBIDDEN', `${section}: ${method} ${where}`);
    }
    const name = { json: { displayname: 'A guest' } };
    same(expectOk(await guest.ask('PUT', own('displayname'), name), section), {}, section);
    expectOk(await guest.ask('DELETE', own('displayname')), section);
    expectOk(await guest.ask('GET', path('devices')), section);
    const device = path('devices', guest.deviceId);
    expectOk(await guest.ask('PUT', device, { json: { display_name: 'Mine' } }), section);
    expectOk(await guest.ask('GET', `${path('sync')}?timeout=0`), section);
    for (const where of [path('capabilities'), path('pushrules', ''), path('pushrules', 'global', '')])
      expectOk(await guest.ask('GET', where), where);
    const filters = path('user', guest.userId, 'filter');
    const { filter_id } = expectOk(await guest.ask('POST', filters, { json: {} }), filters);
    same(expectOk(await guest.ask('GET', `${filters}/${String(filter_id)}`), filters), {}, filters);
  });

  it('can log out', async () => {
    for (const where of [path('logout'), path('logout', 'all')]) {
      const guest = await shared.guest();
      expectOk(await guest.ask('POST', where, { json: {} }), where);
      expectError(await guest.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', where);
    }
  });

  it('join only where guest_access is can_join, whatever endpoint they try', async () => {
    const [owner, guest] = [await shared.user('owner'), await shared.guest()];
    const open = await owner.createRoom({ preset: 'public_chat', initial_state: [CAN_JOIN] });
    const shut = await owner.createRoom({ preset: 'public_chat', initial_state: [FORBIDDEN] });
    const silent = await owner.createRoom({ preset: 'public_chat' });
    for (const room of [shut, silent]) {
      for (const where of [path('rooms', room, 'join'), path('join', room)]) {
        const joined = await guest.ask('POST', where, { json: {} });
        expectError(joined, 403, 'M_GUEST_ACCESS_FORBIDDEN', section);
      }
      const where = path('rooms', room, 'state', 'm.room.member', guest.userId);
      const byState = await guest.ask('PUT', where, { json: { membership: 'join' } });
      expectError(byState, 403, 'M_GUEST_ACCESS_FORBIDDEN', section);
    }
    expectOk(await guest.ask('POST', path('rooms', open, 'join'), { json: {} }), section);
    await guest.say(open, 'hello from a guest');
    same((await guest.messages(open, { dir: 'b', limit: '1' })).chunk[0]?.sender, guest.userId, section);
    const ordinary = await shared.user('ordinary');
    same(await ordinary.join(shut), shut, `${section}: others may`);
    await guest.leave(open);
    same(await guest.join(open), open, `${section}: by the other endpoint`);
    const name = freshName('open');
    const named = await owner.createRoom({
      preset: 'public_chat',
      initial_state: [CAN_JOIN],
      room_alias_name: name,
    });
    same(await guest.join(`#${name}:localhost`), named, `${section}: by an alias`);
  });

  it('leave by themselves where guest_access is changed to something else', async () => {
    const [owner, guest, ordinary] = [
      await shared.user('owner'),
      await shared.guest(),
      await shared.user('stays'),
    ];
    const room = await owner.createRoom({ preset: 'public_chat', initial_state: [CAN_JOIN] });
    const other = await owner.createRoom({ preset: 'public_chat', initial_state: [CAN_JOIN] });
    for (const id of [room, other]) {
      expectOk(await guest.ask('POST', path('rooms', id, 'join'), { json: {} }), section);
    }
    await ordinary.join(room);
    await owner.setState(room, 'm.room.guest_access', '', { guest_access: 'forbidden' });
    const membership = async (id: string, user: Client) =>
      (await owner.state(id, 'm.room.member', user.userId))['membership'];
    for (const end = performance.now() + 20_000; (await membership(room, guest)) !== 'leave'; ) {
      check(performance.now() < end, `${section}: the server MUST set those users' m.room.member to leave`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    same(await membership(other, guest), 'join', `${section}: elsewhere nothing has changed`);
    same(await membership(room, ordinary), 'join', `${section}: others stay`);
  });
});

describe('a guest who registers', () => {
  const rule = `${section}: upgrade by POST register with guest_access_token`;
  const localpart = (user: Client) => user.userId.slice(1).split(':')[0] ?? '';
  const DUMMY = { auth: { type: 'm.login.dummy' } };
  const upgrade = (json: object) =>
    shared.http.ask('POST', path('register'), { json: { ...DUMMY, ...json } });
  const wanted = (guest: Client) => ({
    username: localpart(guest),
    password: 'a guest no more',
    guest_access_token: guest.token,
  });

  it('keeps name, rooms and devices, and may do what users may', async () => {
    const [owner, guest] = [await shared.user('owner'), await shared.guest()];
    const roomId = await owner.createRoom({ preset: 'public_chat', initial_state: [CAN_JOIN] });
    expectOk(await guest.ask('POST', path('rooms', roomId, 'join'), { json: {} }), section);
    const body = expectOk(await upgrade({ ...wanted(guest), device_id: 'NEW' }), rule);
    same([body['user_id'], body['device_id']], [guest.userId, 'NEW'], rule);
    const user = new Client(shared.http, {
      userId: guest.userId,
      deviceId: 'NEW',
      token: text(body, 'access_token'),
    });
    for (const session of [user, guest]) {
      const me = expectOk(await session.ask('GET', path('account', 'whoami')), rule);
      same([me['user_id'], me['is_guest']], [guest.userId, false], rule);
      same(expectOk(await session.ask('GET', path('joined_rooms')), rule), { joined_rooms: [roomId] }, rule);
    }
    const devices = expectOk(await user.ask('GET', path('devices')), rule)['devices'];
    same(Array.isArray(devices) ? devices.length : devices, 2, rule);
    const login = { type: 'm.login.password', password: 'a guest no more' };
    const identifier = { type: 'm.id.user', user: localpart(guest) };
    expectOk(await shared.http.ask('POST', path('login'), { json: { ...login, identifier } }), rule);
    const closed = await owner.createRoom({ preset: 'public_chat', initial_state: [FORBIDDEN] });
    same(await user.join(closed), closed, `${rule}: others may join`);
    await owner.setState(roomId, 'm.room.guest_access', '', { guest_access: 'forbidden' });
    const other = await shared.guest();
    expectError(
      await other.ask('POST', path('rooms', roomId, 'join'), { json: {} }),
      403,
      'M_GUEST_ACCESS_FORBIDDEN',
      section,
    );
    await user.say(roomId, 'still here');
  });

  it('goes through the ordinary flow, in as many requests as that takes', async () => {
    const guest = await shared.guest();
    const first = await shared.http.ask('POST', path('register'), { json: wanted(guest) });
    same(first.status, 401, 'CS API, User-Interactive Authentication API');
    const session = Object(first.json)['session'];
    const json = { auth: { type: 'm.login.dummy', session } };
    const body = expectOk(await shared.http.ask('POST', path('register'), { json }), rule);
    same(body['user_id'], guest.userId, rule);
  });

  it('has to say the name and hold the token: else nothing changes', async () => {
    const [guest, other] = [await shared.guest(), await shared.guest()];
    const user = await shared.user('ordinary');
    const { username: _, ...nameless } = wanted(guest);
    expectError(await upgrade(nameless), 400, 'M_MISSING_PARAM', `${rule}: required to specify the username`);
    const refused = [
      { ...wanted(guest), username: localpart(other) },
      { ...wanted(guest), username: `free${Date.now()}` },
      { ...wanted(guest), guest_access_token: 'mln_nonsense' },
      { ...wanted(user), guest_access_token: user.token },
    ];
    for (const body of refused) expectError(await upgrade(body), 403, 'M_FORBIDDEN', rule);
    const taken = { ...wanted(guest), guest_access_token: undefined };
    expectError(await upgrade(taken), 400, 'M_USER_IN_USE', rule);
    for (const each of [guest, other]) {
      const me = expectOk(await each.ask('GET', path('account', 'whoami')), section);
      same(me['is_guest'], true, section);
    }
  });

  it('does so once: of two at the same time one is told that the name is taken', async () => {
    const guest = await shared.guest();
    const answers = await Promise.all([upgrade(wanted(guest)), upgrade(wanted(guest))]);
    const [won, lost] = answers.toSorted((one, other) => one.status - other.status);
    same(won?.status, 200, rule);
    check(lost?.status === 400 || lost?.status === 403, `${rule}: once`, lost);
    expectError(await upgrade(wanted(guest)), 403, 'M_FORBIDDEN', rule);
  });
});
