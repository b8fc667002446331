import { describe, it } from 'node:test';
import { Client, type Json, login, path, register, type SyncAnswer } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';
import { twoNodes } from '../../support/two-nodes.ts';

const SECTION = 'CS API, Presence';
const PUT = 'CS API, PUT /presence/{userId}/status';
const GET = 'CS API, GET /presence/{userId}/status';
/** As small as a test can wait for, and large enough not to run out between two requests of a busy machine. */
const QUICK = { MILENA_PRESENCE_IDLE: '4000', MILENA_PRESENCE_OFFLINE: '2000' };

async function put(user: Client, presence: string, status_msg?: string): Promise<void> {
  const json = { presence, ...(status_msg === undefined ? {} : { status_msg }) };
  expectOk(await user.ask('PUT', path('presence', user.userId, 'status'), { json }), PUT);
}

async function get(user: Client, other: Client = user): Promise<Json> {
  return expectOk(await user.ask('GET', path('presence', other.userId, 'status')), GET);
}

/** What a sync says of a user's presence, the last word. */
function told(sync: SyncAnswer, user: Client): Json | undefined {
  return sync.presence?.events.findLast(({ sender }) => sender === user.userId)?.content;
}

/** Syncs on, without being seen, until the presence of a user is as wanted. */
async function until(watcher: Client, since: string, user: Client, enough: (content: Json) => boolean) {
  let token = since;
  const end = performance.now() + 20_000;
  const seen: (Json | undefined)[] = [];
  while (performance.now() < end) {
    const sync = await watcher.sync({ since: token, timeout: 2_000, query: { set_presence: 'offline' } });
    token = sync.next_batch;
    const content = told(sync, user);
    seen.push(content);
    if (content !== undefined && enough(content)) return { content, next_batch: token };
  }
  throw new Error(`${SECTION}: what was waited for did not come; seen: ${JSON.stringify(seen)}`);
}

/** Another device of the same user. */
const secondDevice = (user: Client) => login(user.http, user.userId, 'correct horse battery');

/** A sync that does not show. */
const quiet = (user: Client, since?: string) => user.sync({ since, query: { set_presence: 'offline' } });

function scenes(server: { user(stem?: string): Promise<Client> }) {
  return async () => {
    const [user, watcher] = [await server.user(), await server.user()];
    const roomId = await user.createRoom({ preset: 'public_chat' });
    await watcher.join(roomId);
    const { next_batch } = await quiet(watcher);
    return { user, watcher, roomId, next_batch };
  };
}

describe('presence', () => {
  const server = sharedServer();
  const scene = scenes(server);

  it('that was set is read back, with the status message and how long ago', async () => {
    const { user, watcher } = await scene();
    for (const state of ['online', 'unavailable', 'offline']) {
      await put(user, state, `I am ${state}`);
      const own = await get(user);
      same([own['presence'], own['status_msg']], [state, `I am ${state}`], GET);
      check(Number(own['last_active_ago']) >= 0, `${PUT}: the activity time is updated`, own);
    }
    await put(user, 'online');
    const seen = await get(watcher, user);
    same([seen['presence'], seen['currently_active']], ['online', true], GET);
    check(!('status_msg' in seen), `${PUT}: the message is attached to the state`, seen);
  });

  it('comes down the sync of those who share a room, and wakes them', async () => {
    const { user, watcher, next_batch } = await scene();
    const waiting = watcher.sync({ since: next_batch, timeout: 20_000, query: { set_presence: 'offline' } });
    await put(user, 'online', 'here');
    const content = told(await waiting, user);
    same([content?.['presence'], content?.['status_msg']], ['online', 'here'], SECTION);
    check(Number.isInteger(content?.['last_active_ago']), `${SECTION}: last_active_ago`, content);
    same(content?.['currently_active'], true, `${SECTION}: currently_active`);
  });

  it('says name and avatar, and comes again with new ones, whatever the state', async () => {
    const rule = 'CS API, Events on Change of Profile Information';
    const { user, watcher, next_batch } = await scene();
    const rename = async (field: string, value: string) =>
      expectOk(
        await user.ask('PUT', path('profile', user.userId, field), { json: { [field]: value } }),
        rule,
      );
    await rename('displayname', 'First');
    await put(user, 'online');
    const first = await until(watcher, next_batch, user, ({ presence }) => presence === 'online');
    same([first.content['displayname'], 'avatar_url' in first.content], ['First', false], rule);
    await rename('displayname', 'Second');
    const renamed = await until(
      watcher,
      first.next_batch,
      user,
      ({ displayname }) => displayname === 'Second',
    );
    same(renamed.content['presence'], 'online', `${rule}: the current presence state`);
    await rename('avatar_url', 'mxc://localhost/face');
    const painted = await until(
      watcher,
      renamed.next_batch,
      user,
      ({ avatar_url }) => avatar_url !== undefined,
    );
    same(
      [painted.content['displayname'], painted.content['avatar_url']],
      ['Second', 'mxc://localhost/face'],
      rule,
    );
    const content = told(await quiet(watcher), user);
    same([content?.['displayname'], content?.['avatar_url']], ['Second', 'mxc://localhost/face'], rule);
    await put(user, 'offline');
    const gone = await until(watcher, painted.next_batch, user, ({ presence }) => presence === 'offline');
    await rename('displayname', '');
    const bare = await until(watcher, gone.next_batch, user, (one) => !('displayname' in one));
    same(bare.content['presence'], 'offline', `${rule}: the current presence state`);
  });

  it('is told once, not again in the next sync', async () => {
    const { user, watcher, next_batch } = await scene();
    await put(user, 'online');
    const first = await until(watcher, next_batch, user, ({ presence }) => presence === 'online');
    same(told(await quiet(watcher, first.next_batch), user), undefined, `${SECTION}: no change, no event`);
  });

  it('is in a first sync for those who are present, and not for those who are not', async () => {
    const { user, watcher } = await scene();
    same(told(await quiet(watcher), user), undefined, `${SECTION}: offline`);
    await put(user, 'unavailable');
    same(told(await quiet(watcher), user)?.['presence'], 'unavailable', SECTION);
  });

  it('is not told to those who share no room, who may not ask either', async () => {
    const { user } = await scene();
    const stranger = await server.user();
    await stranger.createRoom();
    const { next_batch } = await quiet(stranger);
    await put(user, 'online');
    const sync = await stranger.sync({ since: next_batch, timeout: 500, query: { set_presence: 'offline' } });
    same(told(sync, user), undefined, SECTION);
    same(told(await quiet(stranger), user), undefined, `${SECTION}: a first sync`);
    const where = path('presence', user.userId, 'status');
    expectError(await stranger.ask('GET', where), 403, 'M_FORBIDDEN', `${GET}, 403`);
  });

  it('of somebody who comes into a room is told to those in it, and theirs to whoever comes', async () => {
    const { user, watcher, roomId, next_batch } = await scene();
    const comer = await server.user();
    await put(user, 'online');
    await put(comer, 'online');
    const before = await quiet(comer);
    same(told(before, user), undefined, `${SECTION}: they share no room yet`);
    await comer.join(roomId);
    await until(watcher, next_batch, comer, ({ presence }) => presence === 'online');
    await until(comer, before.next_batch, user, ({ presence }) => presence === 'online');
  });

  it('is online by a sync, which set_presence can prevent or soften', async () => {
    for (const [query, expected] of [
      [{}, 'online'],
      [{ set_presence: 'online' }, 'online'],
      [{ set_presence: 'unavailable' }, 'unavailable'],
      [{ set_presence: 'offline' }, 'offline'],
    ] as const) {
      const user = await server.user();
      await user.sync({ query });
      const deadline = performance.now() + 5_000;
      while ((await get(user))['presence'] !== expected) {
        check(performance.now() < deadline, `CS API, GET /sync, set_presence: ${JSON.stringify(query)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });

  describe('that was set', () => {
    const rule = `${SECTION}, Idle timeout; GET /sync, set_presence`;
    const send = (user: Client, roomId: string) => user.say(roomId, 'here');
    const acts = {
      'a message': send,
      'a message from another device': async (user: Client, roomId: string) =>
        send(await secondDevice(user), roomId),
      typing: (user: Client, roomId: string) =>
        user.get200('PUT', path('rooms', roomId, 'typing', user.userId), { json: { typing: true } }),
      'a plain sync': (user: Client) => user.sync(),
      'a plain sync of another device': async (user: Client) => (await secondDevice(user)).sync(),
      'a sync as online': (user: Client) => user.sync({ query: { set_presence: 'online' } }),
      'a sync as unavailable': (user: Client) => user.sync({ query: { set_presence: 'unavailable' } }),
      'a sync as offline': (user: Client) => user.sync({ query: { set_presence: 'offline' } }),
      'a look at the members': (user: Client, roomId: string) =>
        user.get200('GET', path('rooms', roomId, 'joined_members')),
    };
    const cases = [
      ['unavailable', 'a message', 'online'],
      ['unavailable', 'a message from another device', 'online'],
      ['unavailable', 'typing', 'online'],
      ['unavailable', 'a plain sync', 'online'],
      ['unavailable', 'a plain sync of another device', 'online'],
      ['unavailable', 'a sync as online', 'online'],
      ['unavailable', 'a sync as unavailable', 'unavailable'],
      ['unavailable', 'a sync as offline', 'unavailable'],
      ['unavailable', 'a look at the members', 'unavailable'],
      // Whoever hides may speak and stays hidden ("explicitly suppressing"); only a sync that is to show does show.
      ['offline', 'a message', 'offline'],
      ['offline', 'a plain sync', 'online'],
      ['offline', 'a sync as online', 'online'],
      ['offline', 'a sync as unavailable', 'unavailable'],
      ['offline', 'a sync as offline', 'offline'],
      ['online', 'a message', 'online'],
      ['online', 'a plain sync', 'online'],
      ['online', 'a sync as unavailable', 'unavailable'],
      ['online', 'a sync as offline', 'online'],
    ] as const;
    for (const [state, act, expected] of cases) {
      it(`to ${state} is ${expected} after ${act}, at once`, async () => {
        const { user, watcher, roomId, next_batch } = await scene();
        await put(user, state, 'as set');
        await acts[act](user, roomId);
        const seen = await get(watcher, user);
        same([seen['presence'], seen['status_msg']], [expected, 'as set'], rule);
        const ahead = Number(seen['last_active_ago']);
        check(ahead >= 0 && ahead < 10_000, `${SECTION}, Last active ago`, seen);
        if (expected === 'offline') return;
        await until(watcher, next_batch, user, ({ presence }) => presence === expected);
      });
    }
  });

  it('of those whom one ignores is not told', async () => {
    const { user, watcher, next_batch } = await scene();
    const ignored = path('user', watcher.userId, 'account_data', 'm.ignored_user_list');
    await watcher.get200('PUT', ignored, { json: { ignored_users: { [user.userId]: {} } } });
    await put(user, 'online');
    same(told(await quiet(watcher, next_batch), user), undefined, 'CS API, Ignoring Users');
  });

  it('heeds the filter', async () => {
    const { user, watcher, next_batch } = await scene();
    await put(user, 'online');
    const query = { set_presence: 'offline' };
    for (const presence of [{ not_types: ['m.presence'] }, { not_senders: [user.userId] }, { types: [] }]) {
      const sync = await watcher.sync({ since: next_batch, filter: { presence }, query });
      same(told(sync, user), undefined, `CS API, Filtering: ${JSON.stringify(presence)}`);
    }
    const wanted = { presence: { senders: [user.userId] } };
    const sync = await watcher.sync({ since: next_batch, filter: wanted, query });
    same(told(sync, user)?.['presence'], 'online', 'CS API, Filtering');
  });

  it('is one’s own to set, with a state of the spec, by whoever is known', async () => {
    const { user, watcher } = await scene();
    const where = path('presence', user.userId, 'status');
    const ask = (who: Client, json: unknown) => who.ask('PUT', where, { json });
    expectError(await ask(watcher, { presence: 'online' }), 403, 'M_FORBIDDEN', PUT);
    expectError(await ask(user, { presence: 'asleep' }), 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], PUT);
    expectError(await ask(user, {}), 400, ['M_MISSING_PARAM', 'M_BAD_JSON'], PUT);
    expectError(
      await ask(user, { presence: 'online', status_msg: 7 }),
      400,
      ['M_INVALID_PARAM', 'M_BAD_JSON'],
      PUT,
    );
    expectError(await server.http.ask('PUT', where, { json: {} }), 401, 'M_MISSING_TOKEN', PUT);
    const nobody = path('presence', '@nobody-at-all:localhost', 'status');
    expectError(await user.ask('GET', nobody), 404, 'M_NOT_FOUND', `${GET}, 404`);
  });
});

describe('presence by itself', () => {
  const server = sharedServer({ env: QUICK });
  const scene = scenes(server);

  it('becomes unavailable when nothing is done, and online by any activity', async () => {
    const { user, watcher, roomId, next_batch } = await scene();
    const stop = new AbortController();
    const syncing = keepSyncing(user, stop.signal);
    const online = await until(watcher, next_batch, user, ({ presence }) => presence === 'online');
    const idle = await until(watcher, online.next_batch, user, ({ presence }) => presence === 'unavailable');
    check(Number(idle.content['last_active_ago']) >= 3_000, `${SECTION}: last_active_ago`, idle.content);
    await user.say(roomId, 'back');
    const back = await until(watcher, idle.next_batch, user, ({ presence }) => presence === 'online');
    same(back.content['currently_active'], true, `${SECTION}: any activity`);
    stop.abort();
    await syncing;
    await until(watcher, back.next_batch, user, ({ presence }) => presence === 'offline');
  });

  it('is not missed by somebody who wakes for another reason, or for none, just then', async () => {
    const { user, watcher, roomId, next_batch } = await scene();
    const friend = await server.user();
    await friend.join(roomId);
    let token = next_batch;
    for (let round = 0; round < 20; round++) {
      const state = round % 2 === 0 ? 'online' : 'unavailable';
      const query = { set_presence: 'offline' };
      const waiting = watcher.sync({ since: token, timeout: 100, query });
      await put(user, state);
      await friend.say(roomId, String(round));
      const first = await waiting;
      const seen = told(first, user) ?? told(await quiet(watcher, first.next_batch), user);
      same(seen?.['presence'], state, `${SECTION}: round ${round}`);
      token = (await quiet(watcher, first.next_batch)).next_batch;
    }
  });
});

describe('presence that is off', () => {
  const server = sharedServer({ env: { MILENA_PRESENCE: 'off' } });
  const scene = scenes(server);

  it('shows nobody, and refuses no client', async () => {
    const { user, watcher, next_batch } = await scene();
    await put(user, 'online', 'here');
    same(await get(watcher, user), { presence: 'offline' }, GET);
    same(told(await quiet(watcher, next_batch), user), undefined, SECTION);
    same((await quiet(watcher)).presence?.events ?? [], [], SECTION);
  });
});

describe('presence with two nodes', () => {
  const nodes = twoNodes(QUICK);

  it('is seen from the other, and lasts while one of two devices is there', async () => {
    const [user, watcher] = [await register(nodes.one), await register(nodes.two)];
    const roomId = await user.createRoom({ preset: 'public_chat' });
    await watcher.join(roomId);
    const { next_batch } = await quiet(watcher);
    await put(user, 'online', 'here');
    const seen = await until(watcher, next_batch, user, ({ presence }) => presence === 'online');
    same(seen.content['status_msg'], 'here', SECTION);
    // The same device at the other node; at the first one nothing is heard of it any more.
    const stop = new AbortController();
    const syncing = keepSyncing(new Client(nodes.two, user), stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    same((await get(watcher, user))['presence'] === 'offline', false, `${SECTION}: of either node`);
    stop.abort();
    await syncing;
    await until(watcher, seen.next_batch, user, ({ presence }) => presence === 'offline');
  });
});

/** A client that is there: one long poll after the other. */
async function keepSyncing(user: Client, signal: AbortSignal): Promise<void> {
  let since: string | undefined;
  while (!signal.aborted) {
    const sync = await user.sync({ since, timeout: since === undefined ? 0 : 500 });
    since = sync.next_batch;
  }
}
