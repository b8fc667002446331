import { after, before, describe, it } from 'node:test';
import { Client, freshName, isObject, type Json, path, register, text } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { type Answer, Http } from '../../support/http.ts';
import { type Server, startServer } from '../../support/server.ts';

const section = 'CS API, POST /account/deactivate';
const PASSWORD = 'a long enough password';
const WHERE = path('account', 'deactivate');

let server: Server;
let http: Http;

before(async () => {
  server = await startServer();
  http = new Http(server.url);
});
after(async () => {
  http?.close();
  await server?.[Symbol.asyncDispose]();
});

const person = (stem: string): Promise<Client> => register(http, freshName(stem), PASSWORD);

const proof = (user: Client, more: Json = {}): Json => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: user.userId },
  password: PASSWORD,
  ...more,
});

const deactivate = (user: Client, more: Json = {}): Promise<Answer> =>
  user.ask('POST', WHERE, { json: { ...more, auth: proof(user) } });

/** Waits until somebody's membership in a room is this one. */
async function untilMembership(
  witness: Client,
  roomId: string,
  user: Client,
  membership: string,
): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; ) {
    const state = await witness.state(roomId, 'm.room.member', user.userId);
    if (state['membership'] === membership) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${section}: ${user.userId} did not come to ${membership} in ${roomId}`);
}

describe('deactivating an account', () => {
  it('asks for the password, and does nothing before it has it', async () => {
    const user = await person('asks');
    const first = await user.ask('POST', WHERE, { json: {} });
    same(first.status, 401, `${section}: ${first.text}`);
    check(isObject(first.json), section, first.text);
    const session = text(first.json, 'session');
    same(first.json['flows'], [{ stages: ['m.login.password'] }], section);
    const wrong = await user.ask('POST', WHERE, { json: { auth: proof(user, { session, password: 'x' }) } });
    check(
      wrong.status === 401 && isObject(wrong.json) && wrong.json['errcode'] === 'M_FORBIDDEN',
      section,
      wrong.text,
    );
    expectOk(await user.ask('GET', path('account', 'whoami')), `${section}: still there`);
    const changed = { erase: true, auth: proof(user, { session }) };
    same((await user.ask('POST', WHERE, { json: changed })).status, 401, `${section}: another request`);
    const done = await user.ask('POST', WHERE, { json: { auth: proof(user, { session }) } });
    same(expectOk(done, section), { id_server_unbind_result: 'success' }, section);
  });

  it('ends its tokens, and nobody can log in or register under its name again', async () => {
    const user = await person('ends');
    expectOk(await deactivate(user), section);
    expectError(await user.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', section);
    const login = await http.ask('POST', path('login'), { json: proof(user) });
    expectError(login, 403, ['M_USER_DEACTIVATED', 'M_FORBIDDEN'], 'CS API, POST /login, 403');
    const username = user.userId.slice(1, user.userId.indexOf(':'));
    const again = { username, password: PASSWORD, auth: { type: 'm.login.dummy' } };
    const taken = await http.ask('POST', path('register'), { json: again });
    expectError(taken, 400, 'M_USER_IN_USE', 'CS API, POST /register');
  });

  it('works without an access token', async () => {
    const user = await person('anonymous');
    expectOk(await http.ask('POST', WHERE, { json: { auth: proof(user) } }), section);
    expectError(await user.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', section);
  });

  it('leaves the rooms and refuses the invitations', async () => {
    const [user, friend] = [await person('leaves'), await person('friend')];
    const joined = await friend.createRoom({ preset: 'public_chat' });
    await user.join(joined);
    const invited = await friend.createRoom({ invite: [user.userId] });
    expectOk(await deactivate(user), section);
    await untilMembership(friend, joined, user, 'leave');
    await untilMembership(friend, invited, user, 'leave');
  });

  it('with erase takes the profile, without it leaves the profile', async () => {
    const [kept, erased] = [await person('kept'), await person('erased')];
    for (const user of [kept, erased]) {
      const where = path('profile', user.userId, 'displayname');
      expectOk(await user.ask('PUT', where, { json: { displayname: 'Somebody' } }), 'CS API, Profiles');
    }
    expectOk(await deactivate(kept), section);
    expectOk(await deactivate(erased, { erase: true }), section);
    const witness = await person('witness');
    const profile = (user: Client) => witness.ask('GET', path('profile', user.userId));
    same(expectOk(await profile(kept), section)['displayname'], 'Somebody', section);
    const gone = await profile(erased);
    check(gone.status === 404 || !gone.text.includes('Somebody'), `${section}: erase`, gone.text);
  });

  it('with erase shows the messages to those who saw them, and redacted copies to who joins later', async () => {
    const [user, friend, late] = [await person('author'), await person('friend'), await person('late')];
    const room = await friend.createRoom({ preset: 'public_chat' });
    await user.join(room);
    const said = await user.say(room, 'words that were mine');
    const other = await friend.say(room, 'words of somebody else');
    expectOk(await deactivate(user, { erase: true }), section);
    await untilMembership(friend, room, user, 'leave');
    await late.join(room);
    for (const [reader, isShown] of [
      [friend, true],
      [late, false],
    ] as const) {
      const one = await reader.get200('GET', path('rooms', room, 'event', said));
      same(isObject(one['content']) && one['content']['body'] === 'words that were mine', isShown, section);
      const history = await reader.history(room);
      const found = history.find(({ event_id }) => event_id === said);
      same(found?.content['body'], isShown ? 'words that were mine' : undefined, `${section}: messages`);
      const kept = history.find(({ event_id }) => event_id === other);
      same(kept?.content['body'], 'words of somebody else', `${section}: others' words stay`);
      const context = await reader.ask('GET', path('rooms', room, 'context', other));
      same(context.text.includes('words that were mine'), isShown, `${section}: context`);
    }
  });

  it('with erase shows who joins later redacted copies in syncs, and of what is bundled into other events', async () => {
    const [user, friend] = [await person('author'), await person('friend')];
    const [late, later] = [await person('late'), await person('later')];
    const room = await friend.createRoom({ preset: 'public_chat' });
    await user.join(room);
    await late.sync();
    const { next_batch: since } = await late.sync();
    const mine = (body: string, more: Json = {}): Json => ({
      msgtype: 'm.text',
      body: `my ${body}`,
      ...more,
    });
    const root = await friend.say(room, 'words of somebody else');
    const said = await user.send(room, 'm.room.message', mine('words'));
    await user.send(room, 'm.room.message', {
      ...mine('* edit'),
      'm.new_content': mine('edit'),
      'm.relates_to': { rel_type: 'm.replace', event_id: said },
    });
    const inThread = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    const reply = await user.send(room, 'm.room.message', mine('reply', inThread));
    const topic = await friend.setState(room, 'm.room.topic', '', { topic: 'a topic' });
    expectOk(await deactivate(user, { erase: true }), section);
    await untilMembership(friend, room, user, 'leave');
    await late.join(room);
    await later.join(room);
    const filter = { room: { timeline: { limit: 8 } } };
    for (const [reader, how, isShown] of [
      [friend, {}, true],
      [late, { since }, false],
      [later, {}, false],
    ] as const) {
      const sync = await reader.sync({ ...how, filter, timeout: 0 });
      const timeline = sync.rooms?.join?.[room]?.timeline;
      check(timeline?.limited === true, `${section}: a limited timeline`, timeline);
      const events = new Map(timeline.events.map((event) => [event.event_id, event]));
      same(events.get(said)?.content['body'], isShown ? 'my words' : undefined, `${section}: sync`);
      same(events.get(topic)?.content['topic'], 'a topic', `${section}: others' state stays`);
      const parent = events.get(root);
      same(parent?.content['body'], 'words of somebody else', `${section}: others' words stay`);
      same(JSON.stringify(timeline).includes('"my '), isShown, `${section}: a limited timeline's children`);
      for (const event of [parent, await reader.get200('GET', path('rooms', room, 'event', root))]) {
        // Read by hand: the shape of answers in tests does not name what is bundled.
        const { 'm.relations': relations } = (event as Json)['unsigned'] as { readonly 'm.relations': Json };
        const { latest_event, count } = relations['m.thread'] as Json;
        check(isObject(latest_event) && isObject(latest_event['content']), section);
        same([latest_event['event_id'], count], [reply, 1], `${section}: the latest event of a thread`);
        const { body } = latest_event['content'];
        same(body, isShown ? 'my reply' : undefined, `${section}: latest_event`);
      }
      const one = await reader.ask('GET', path('rooms', room, 'event', said));
      check(one.text.includes('m.replace'), `${section}: the edit is told`, one.text);
      same(one.text.includes('"my '), isShown, `${section}: m.replace`);
      const page = await reader.ask('GET', `${path('rooms', room, 'messages')}?dir=b&limit=50`);
      same(page.text.includes('"my '), isShown, `${section}: messages with their children`);
    }
  });

  it('is finished after a crash: every room is left', async () => {
    const [user, friend] = [await person('crash'), await person('friend')];
    const rooms: string[] = [];
    for (let i = 0; i < 25; i += 1) rooms.push(await friend.createRoom({ preset: 'public_chat' }));
    for (const room of rooms) await user.join(room);
    expectOk(await deactivate(user), section);
    await server.kill();
    await server.restart();
    http.close();
    http = new Http(server.url);
    const { userId, deviceId, token } = friend;
    const witness = new Client(http, { userId, deviceId, token });
    for (const room of rooms) await untilMembership(witness, room, user, 'leave');
  });
});
