import { describe, it } from 'node:test';
import { type Client, isObject, type Json, path, text } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, GET initialSync';
const ofRoom = 'CS API, GET rooms/{roomId}/initialSync';

const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const ids = (value: unknown) => list(value).map((event) => event['event_id']);
const part = (value: Json | undefined, name: string): Json => {
  const found = value?.[name];
  return isObject(found) ? found : {};
};

async function snapshot(user: Client, query: Readonly<Record<string, string>> = {}): Promise<Json> {
  return expectOk(await user.ask('GET', `${path('initialSync')}?${new URLSearchParams(query)}`), section);
}

const room = (body: Json, roomId: string) => list(body['rooms']).find((one) => one['room_id'] === roomId);

async function roomSnapshot(user: Client, roomId: string, query: Readonly<Record<string, string>> = {}) {
  const where = `${path('rooms', roomId, 'initialSync')}?${new URLSearchParams(query)}`;
  return expectOk(await user.ask('GET', where), ofRoom);
}

const TAGS = { tags: { 'u.work': { order: 0.5 } } };

async function tag(user: Client, roomId: string): Promise<void> {
  const where = path('user', user.userId, 'rooms', roomId, 'tags', 'u.work');
  await user.get200('PUT', where, { json: { order: 0.5 } });
}

describe('initialSync', () => {
  it('gives every room with its newest messages, its state, its place in the directory and the user’s data', async () => {
    const user = await shared.user('alice');
    const listed = await user.createRoom({ visibility: 'public', name: 'Listed' });
    const quiet = await user.createRoom();
    const said = [
      await user.say(listed, 'one'),
      await user.say(listed, 'two'),
      await user.say(listed, 'three'),
    ];
    await user.setState(listed, 'm.room.topic', '', { topic: 'the newest' });
    await tag(user, listed);
    const body = await snapshot(user, { limit: '2' });
    same(
      list(body['rooms'])
        .map((one) => one['room_id'])
        .toSorted(),
      [listed, quiet].toSorted(),
      section,
    );
    const one = room(body, listed);
    same([one?.['membership'], one?.['visibility']], ['join', 'public'], section);
    same(room(body, quiet)?.['visibility'], 'private', section);
    const messages = part(one, 'messages');
    const chunk = list(messages['chunk']);
    same(
      chunk.map(({ type }) => type),
      ['m.room.message', 'm.room.topic'],
      `${section}: at most limit`,
    );
    same([chunk[0]?.['event_id'], chunk[0]?.['room_id']], [said[2], listed], section);
    const topics = list(one?.['state']).filter(({ type }) => type === 'm.room.topic');
    same(
      topics.map(({ content }) => content),
      [{ topic: 'the newest' }],
      `${section}: the current state`,
    );
    check(
      list(one?.['state']).some(({ type }) => type === 'm.room.create'),
      section,
      one?.['state'],
    );
    same(list(one?.['account_data']), [{ type: 'm.tag', content: TAGS }], section);
    const earlier = await user.messages(listed, { dir: 'b', from: text(messages, 'start'), limit: '2' });
    same(ids(earlier.chunk), [said[1], said[0]], `${section}: start retrieves earlier events`);
  });

  it('gives presence, global account data, and a token that events and sync go on from', async () => {
    const [user, other] = [await shared.user('alice'), await shared.user('bob')];
    const roomId = await user.createRoom({ preset: 'public_chat' });
    await other.join(roomId);
    await user.get200('PUT', path('user', user.userId, 'account_data', 'org.example.mine'), {
      json: { a: 1 },
    });
    await other.get200('PUT', path('presence', other.userId, 'status'), { json: { presence: 'online' } });
    const body = await snapshot(user);
    const own = list(body['account_data']).find(({ type }) => type === 'org.example.mine');
    same(own?.['content'], { a: 1 }, section);
    const theirs = list(body['presence']).find(({ sender }) => sender === other.userId);
    same(part(theirs, 'content')['presence'], 'online', section);
    const end = text(body, 'end');
    const said = await user.say(roomId, 'next');
    const query = new URLSearchParams({ from: end, timeout: '5000' });
    const next = await user.get200('GET', `${path('events')}?${query}`);
    check(ids(next['chunk']).includes(said), `${section}: should be used with the /events endpoint`, next);
    const synced = await user.sync({ since: end });
    same(ids(synced.rooms?.join?.[roomId]?.timeline?.events), [said], section);
  });

  it('has invitations with the invite event, and rooms that were left only when asked', async () => {
    const [owner, user] = [await shared.user('owner'), await shared.user('bob')];
    const invited = await owner.createRoom({ visibility: 'public', invite: [user.userId] });
    const left = await owner.createRoom({ preset: 'public_chat' });
    await user.join(left);
    const seen = await owner.say(left, 'you are here');
    await user.leave(left);
    await owner.say(left, 'you are gone');
    await owner.setState(left, 'm.room.topic', '', { topic: 'you are gone' });
    const body = await snapshot(user);
    const one = room(body, invited);
    same([one?.['membership'], one?.['visibility']], ['invite', 'public'], section);
    const invite = part(one, 'invite');
    same(
      [
        invite['type'],
        invite['state_key'],
        invite['sender'],
        invite['room_id'],
        part(invite, 'content')['membership'],
      ],
      ['m.room.member', user.userId, owner.userId, invited, 'invite'],
      section,
    );
    same(room(body, left), undefined, `${section}: archived is false by default`);
    const archived = room(await snapshot(user, { archived: 'true' }), left);
    same(archived?.['membership'], 'leave', section);
    const chunk = part(archived, 'messages')['chunk'];
    check(ids(chunk).includes(seen), `${section}: the messages that preceded them leaving`, chunk);
    check(!JSON.stringify(archived).includes('you are gone'), section, archived);
  });
});

describe('initialSync of a room', () => {
  it('gives a member the state, the newest messages in order, the listing and the user’s own data', async () => {
    const user = await shared.user('alice');
    const roomId = await user.createRoom({ visibility: 'public' });
    const said: string[] = [];
    for (const word of ['one', 'two', 'three']) said.push(await user.say(roomId, word));
    await tag(user, roomId);
    const body = await roomSnapshot(user, roomId, { limit: '2' });
    same([body['room_id'], body['membership'], body['visibility']], [roomId, 'join', 'public'], ofRoom);
    const messages = part(body, 'messages');
    same(ids(messages['chunk']), said.slice(1), `${ofRoom}: at most limit elements`);
    same(list(body['account_data']), [{ type: 'm.tag', content: TAGS }], ofRoom);
    const state = await user.ask('GET', path('rooms', roomId, 'state'));
    same(ids(body['state']).toSorted(), ids(state.json).toSorted(), `${ofRoom}: the current state`);
    const earlier = await user.messages(roomId, { dir: 'b', from: text(messages, 'start'), limit: '1' });
    same(ids(earlier.chunk), [said[0]], `${ofRoom}: start retrieves earlier events`);
    const next = await user.say(roomId, 'next');
    const later = await user.messages(roomId, { dir: 'f', from: text(messages, 'end') });
    same(ids(later.chunk), [next], `${ofRoom}: end retrieves later events`);
  });

  it('omits start where there is nothing earlier', async () => {
    const user = await shared.user('alice');
    const roomId = await user.createRoom();
    const messages = part(await roomSnapshot(user, roomId, { limit: '100' }), 'messages');
    same([messages['start'], list(messages['chunk'])[0]?.['type']], [undefined, 'm.room.create'], ofRoom);
  });

  it('gives who has left the room as it was then', async () => {
    const [owner, user] = [await shared.user('owner'), await shared.user('bob')];
    const roomId = await owner.createRoom({ preset: 'public_chat', topic: 'then' });
    await user.join(roomId);
    const seen = await owner.say(roomId, 'you are here');
    await user.leave(roomId);
    await owner.say(roomId, 'afterwards');
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'afterwards' });
    const body = await roomSnapshot(user, roomId);
    same(body['membership'], 'leave', ofRoom);
    check(ids(part(body, 'messages')['chunk']).includes(seen), ofRoom, body);
    const topic = list(body['state']).find(({ type }) => type === 'm.room.topic');
    same(part(topic, 'content')['topic'], 'then', `${ofRoom}: the state of the room when they left it`);
    check(!JSON.stringify(body).includes('afterwards'), ofRoom, body);
  });
});
