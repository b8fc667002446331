import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, isObject, type Json, path, text } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer({ env: { MILENA_GUESTS: 'on' } });
const section = 'CS API, GET events';
const previews = 'CS API, Room Previews';

const OPEN = { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } };

interface Stretch {
  readonly start: string;
  readonly end: string;
  readonly chunk: readonly Json[];
}

async function events(user: Client, query: Readonly<Record<string, string>>): Promise<Stretch> {
  const where = `${path('events')}?${new URLSearchParams(query)}`;
  const body = expectOk(await user.ask('GET', where), section);
  const chunk = Array.isArray(body['chunk']) ? body['chunk'].filter(isObject) : [];
  return { start: text(body, 'start'), end: text(body, 'end'), chunk };
}

const now = async (user: Client, query = {}): Promise<string> =>
  (await events(user, { timeout: '0', ...query })).end;

const ids = (chunk: readonly Json[]) => chunk.flatMap((event) => event['event_id'] ?? []);

describe('the event stream', () => {
  it('gives new events with their room, from a token on, and where to go on', async () => {
    const user = await shared.user('reader');
    const [first, second] = [await user.createRoom(), await user.createRoom()];
    const from = await now(user);
    const said = [
      await user.say(first, 'one'),
      await user.say(second, 'two'),
      await user.say(first, 'three'),
    ];
    const got = await events(user, { from, timeout: '5000' });
    same(got.start, from, `${section}: usually the same token supplied to from=`);
    same(ids(got.chunk).toSorted(), said.toSorted(), section);
    const one = got.chunk.find((event) => event['event_id'] === said[0]);
    same([one?.['room_id'], one?.['sender']], [first, user.userId], section);
    const inFirst = got.chunk.filter((event) => event['room_id'] === first);
    same(ids(inFirst), [said[0], said[2]], `${section}: in the room’s order`);
    same((await events(user, { from: got.end, timeout: '0' })).chunk, [], section);
  });

  it('blocks until an event is received', async () => {
    const [user, other] = [await shared.user('reader'), await shared.user('other')];
    const roomId = await user.createRoom({ preset: 'public_chat' });
    await other.join(roomId);
    const from = await now(user);
    const waiting = events(user, { from, timeout: '20000' });
    await delay(200);
    const said = await other.say(roomId, 'hello');
    same(ids((await waiting).chunk), [said], section);
  });

  it('ends at the timeout with no events', async () => {
    const user = await shared.user('lonely');
    const from = await now(user);
    const begun = performance.now();
    same((await events(user, { from, timeout: '300' })).chunk, [], section);
    const took = performance.now() - begun;
    check(took >= 290 && took < 5_000, `${section}: until the timeout is reached`, took);
  });

  it('refuses a token that it has not given: 400', async () => {
    const user = await shared.user('reader');
    const roomId = await user.createRoom();
    for (const query of [{ from: 'nonsense' }, { from: 'nonsense', room_id: roomId }])
      expectError(
        await user.ask('GET', `${path('events')}?${new URLSearchParams(query)}`),
        400,
        'M_INVALID_PARAM',
        `${section}, 400: bad pagination from parameter`,
      );
  });

  it('tells of invitations, of joining, and then what happens in the room; of what was before, nothing', async () => {
    const [owner, user] = [await shared.user('owner'), await shared.user('comer')];
    const roomId = await owner.createRoom();
    const before = await owner.say(roomId, 'before you came');
    const from = await now(user);
    await owner.invite(roomId, user.userId);
    const invited = await events(user, { from, timeout: '5000' });
    const member = invited.chunk.find(({ type }) => type === 'm.room.member');
    same(
      [member?.['room_id'], member?.['state_key'], member?.['content']],
      [roomId, user.userId, { membership: 'invite' }],
      section,
    );
    await user.join(roomId);
    const said = await owner.say(roomId, 'welcome');
    const joined = await events(user, { from: invited.end, timeout: '5000' });
    const inRoom = joined.chunk.filter((event) => event['event_id'] !== undefined);
    same(
      inRoom.map(({ type, state_key }) => [type, state_key]),
      [
        ['m.room.member', user.userId],
        ['m.room.message', undefined],
      ],
      section,
    );
    check(ids(inRoom).includes(said) && !ids(inRoom).includes(before), section, ids(inRoom));
    await user.leave(roomId);
    await owner.say(roomId, 'gone');
    const left = await events(user, { from: joined.end, timeout: '5000' });
    same(
      left.chunk.filter((event) => event['event_id'] !== undefined).map((event) => event['content']),
      [{ membership: 'leave' }],
      section,
    );
  });

  it('has account data in it, that of a room with its room_id', async () => {
    const user = await shared.user('tagger');
    const roomId = await user.createRoom();
    const from = await now(user);
    const tags = path('user', user.userId, 'rooms', roomId, 'tags', 'u.work');
    await user.get200('PUT', tags, { json: { order: 0.5 } });
    await user.get200('PUT', path('user', user.userId, 'account_data', 'org.example.mine'), {
      json: { a: 1 },
    });
    const rule = 'CS API, Client Config, Events: also in an /events response; m.tag with a room_id';
    const { chunk } = await events(user, { from, timeout: '5000' });
    same(
      chunk.find(({ type }) => type === 'm.tag'),
      { type: 'm.tag', room_id: roomId, content: { tags: { 'u.work': { order: 0.5 } } } },
      rule,
    );
    same(
      chunk.find(({ type }) => type === 'org.example.mine'),
      { type: 'org.example.mine', content: { a: 1 } },
      rule,
    );
  });

  it('goes on from where a sync ended, and a sync from where it did', async () => {
    const user = await shared.user('changer');
    const roomId = await user.createRoom();
    const { next_batch } = await user.sync();
    const one = await user.say(roomId, 'one');
    const got = await events(user, { from: next_batch, timeout: '5000' });
    same(ids(got.chunk), [one], section);
    const two = await user.say(roomId, 'two');
    const synced = await user.sync({ since: got.end });
    const timeline = synced.rooms?.join?.[roomId]?.timeline?.events ?? [];
    same(
      timeline.map((event) => event.event_id),
      [two],
      section,
    );
  });

  it('leaves out no event, however many there were', async () => {
    const user = await shared.user('busy');
    const roomId = await user.createRoom();
    const from = await now(user);
    const said: string[] = [];
    for (let number = 0; number < 40; number += 1) said.push(await user.say(roomId, `number ${number}`));
    same(ids((await events(user, { from, timeout: '0' })).chunk), said, section);
  });

  it('ends with the session', async () => {
    const user = await shared.user('leaver');
    const waiting = user.ask('GET', `${path('events')}?timeout=20000`);
    await delay(200);
    await user.get200('POST', path('logout'), { json: {} });
    expectError(await waiting, 401, 'M_UNKNOWN_TOKEN', 'CS API, POST logout');
  });
});

describe('previews of rooms', () => {
  const first = (user: Client, roomId: string) => user.ask('GET', path('rooms', roomId, 'initialSync'));

  it('begin with initialSync and go on with events, without joining', async () => {
    const owner = await shared.user('owner');
    const roomId = await owner.createRoom({ initial_state: [OPEN] });
    const old = await owner.say(roomId, 'for all to read');
    for (const viewer of [await shared.user('passer'), await shared.guest()]) {
      const snapshot = expectOk(await first(viewer, roomId), previews);
      same([snapshot['room_id'], snapshot['membership']], [roomId, undefined], previews);
      const messages = isObject(snapshot['messages']) ? snapshot['messages'] : {};
      check(JSON.stringify(messages['chunk']).includes(old), previews, messages);
      check(JSON.stringify(snapshot['state']).includes('m.room.create'), previews, snapshot['state']);
      const from = text(messages, 'end');
      const waiting = events(viewer, { room_id: roomId, from, timeout: '20000' });
      await delay(100);
      const said = await owner.say(roomId, 'live');
      const got = await waiting;
      same(ids(got.chunk), [said], previews);
      same(got.chunk[0]?.['room_id'], roomId, previews);
      same((await events(viewer, { room_id: roomId, from: got.end, timeout: '0' })).chunk, [], previews);
      const members = await owner.get200('GET', path('rooms', roomId, 'joined_members'));
      check(!JSON.stringify(members).includes(viewer.userId), `${previews}: without joining`, members);
    }
  });

  it('begin now where no token is given', async () => {
    const [owner, viewer] = [await shared.user('owner'), await shared.user('passer')];
    const roomId = await owner.createRoom({ initial_state: [OPEN] });
    await owner.say(roomId, 'earlier');
    const got = await events(viewer, { room_id: roomId, timeout: '0' });
    same(got.chunk, [], section);
    const said = await owner.say(roomId, 'later');
    same(
      ids((await events(viewer, { room_id: roomId, from: got.end, timeout: '5000' })).chunk),
      [said],
      section,
    );
  });

  it('hear of no other room', async () => {
    const [owner, viewer] = [await shared.user('owner'), await shared.user('passer')];
    const roomId = await owner.createRoom({ initial_state: [OPEN] });
    const own = await viewer.createRoom();
    const from = await now(viewer, { room_id: roomId });
    await viewer.say(own, 'elsewhere');
    const said = await owner.say(roomId, 'here');
    same(ids((await events(viewer, { room_id: roomId, from, timeout: '5000' })).chunk), [said], section);
  });

  it('are refused in rooms that are not world-readable, and end when a room is so no more: 403', async () => {
    const [owner, viewer] = [await shared.user('owner'), await shared.guest()];
    const closed = await owner.createRoom({ preset: 'public_chat' });
    const peek = (roomId: string, from?: string) => {
      const query = new URLSearchParams({
        room_id: roomId,
        timeout: '0',
        ...(from === undefined ? {} : { from }),
      });
      return viewer.ask('GET', `${path('events')}?${query}`);
    };
    expectError(await peek(closed), 403, 'M_FORBIDDEN', previews);
    expectError(await first(viewer, closed), 403, 'M_FORBIDDEN', `${previews}, 403`);
    const roomId = await owner.createRoom({ initial_state: [OPEN] });
    const from = await now(viewer, { room_id: roomId });
    await owner.setState(roomId, 'm.room.history_visibility', '', { history_visibility: 'joined' });
    await owner.say(roomId, 'in private');
    expectError(await peek(roomId, from), 403, 'M_FORBIDDEN', previews);
    expectError(await first(viewer, roomId), 403, 'M_FORBIDDEN', previews);
  });

  it('are all that guests have of the stream', async () => {
    expectError(
      await (await shared.guest()).ask('GET', `${path('events')}?timeout=0`),
      403,
      'M_GUEST_ACCESS_FORBIDDEN',
      'CS API, Guest Access: GET /events as used for room previews',
    );
  });

  it('are for members too, with what hidden settings leave to them', async () => {
    const [owner, member] = [await shared.user('owner'), await shared.user('member')];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await member.join(roomId);
    const from = await now(member, { room_id: roomId });
    const said = await owner.say(roomId, 'for members');
    same(ids((await events(member, { room_id: roomId, from, timeout: '5000' })).chunk), [said], section);
  });
});
