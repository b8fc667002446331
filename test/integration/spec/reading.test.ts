import { describe, it } from 'node:test';
import { type Client, type ClientEvent, isObject, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

async function trio(): Promise<readonly [Client, Client, Client]> {
  return Promise.all([shared.user('owner'), shared.user('guest'), shared.user('third')]);
}

const ids = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);
const events = (value: unknown) => value as readonly ClientEvent[];

describe('the member list', () => {
  const section = 'CS API, GET /rooms/{roomId}/members';

  async function list(user: Client, roomId: string, query: Readonly<Record<string, string>> = {}) {
    const where = `${path('rooms', roomId, 'members')}?${new URLSearchParams(query)}`;
    const body = expectOk(await user.ask('GET', where), section);
    return new Map(events(body['chunk']).map((event) => [event.state_key, event.content['membership']]));
  }

  /** One member of each kind. */
  async function everyKind() {
    const owner = await shared.user('owner');
    const [joined, invited, knocking, left, banned] = await Promise.all(
      ['joined', 'invited', 'knocking', 'left', 'banned'].map((stem) => shared.user(stem)),
    );
    if (!joined || !invited || !knocking || !left || !banned) throw new Error('five users were asked for');
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await joined.join(roomId);
    await left.join(roomId);
    await left.leave(roomId);
    await owner.invite(roomId, invited.userId);
    await owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: banned.userId } });
    await owner.setState(roomId, 'm.room.join_rules', '', { join_rule: 'knock' });
    await knocking.get200('POST', path('knock', roomId), { json: {} });
    return { owner, joined, invited, knocking, left, banned, roomId };
  }

  it('has members of every kind, and each filter gives its own', async () => {
    const { owner, joined, invited, knocking, left, banned, roomId } = await everyKind();
    const all = [
      [owner, 'join'],
      [joined, 'join'],
      [invited, 'invite'],
      [knocking, 'knock'],
      [left, 'leave'],
      [banned, 'ban'],
    ] as const;
    const having = (wanted: (membership: string) => boolean) =>
      all
        .filter(([, membership]) => wanted(membership))
        .map(([user, membership]): [string, string] => [user.userId, membership]);
    const sorted = (entries: Iterable<readonly [unknown, unknown]>) =>
      [...entries].map(([user, membership]) => `${user} ${membership}`).sort();
    same(sorted(await list(owner, roomId)), sorted(having(() => true)), section);
    for (const kind of ['join', 'invite', 'knock', 'leave', 'ban']) {
      const only = await list(owner, roomId, { membership: kind });
      same(sorted(only), sorted(having((is) => is === kind)), `${section}?membership=${kind}`);
      const others = await list(owner, roomId, { not_membership: kind });
      same(sorted(others), sorted(having((is) => is !== kind)), `${section}?not_membership=${kind}`);
    }
  });

  it('joins its two filters with "or"', async () => {
    const { owner, invited, knocking, left, banned, roomId } = await everyKind();
    const both = await list(owner, roomId, { membership: 'join', not_membership: 'leave' });
    same(both.has(left.userId), false, `${section}: neither is join nor is not leave`);
    for (const user of [owner, invited, knocking, banned])
      check(both.has(user.userId), `${section}: membership is join OR is not leave`, [...both]);
    const all = await list(owner, roomId, { membership: 'leave', not_membership: 'leave' });
    same(all.size, 6, `${section}: is leave or is not leave`);
  });

  it('refuses a membership that does not exist', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    for (const query of ['membership=visiting', 'not_membership=', 'at=no-such-token'])
      expectError(
        await owner.ask('GET', `${path('rooms', roomId, 'members')}?${query}`),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON', 'M_UNKNOWN'],
        `${section} (?${query})`,
      );
  });

  it('is that of the time of a prev_batch with "at"', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await owner.say(roomId, 'one');
    const sync = await owner.sync({ filter: { room: { timeline: { limit: 1 } } } });
    const at = sync.rooms?.join?.[roomId]?.timeline?.prev_batch ?? '';
    await third.join(roomId);
    await guest.leave(roomId);
    const then = await list(owner, roomId, { at });
    same(
      [then.get(owner.userId), then.get(guest.userId), then.get(third.userId)],
      ['join', 'join', undefined],
      `${section}, at: the point in time to return members for`,
    );
    const now = await list(owner, roomId);
    same([now.get(guest.userId), now.get(third.userId)], ['leave', 'join'], section);
  });

  it('is that of a sync’s next_batch with "at", as lazily loading clients ask', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const { next_batch } = await owner.syncUntil(
      undefined,
      (sync) =>
        sync.rooms?.join?.[roomId]?.timeline?.events.some((one) => one.state_key === guest.userId) === true,
    );
    await third.join(roomId);
    const then = await list(owner, roomId, { at: next_batch });
    same([then.get(guest.userId), then.get(third.userId)], ['join', undefined], 'CS API, Lazy-loading: ?at');
  });

  it('takes the filters and "at" together', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const { next_batch } = await owner.syncUntil(
      undefined,
      (sync) =>
        sync.rooms?.join?.[roomId]?.timeline?.events.some((one) => one.state_key === guest.userId) === true,
    );
    await guest.leave(roomId);
    const then = await list(owner, roomId, { at: next_batch, membership: 'join' });
    same([...then.keys()].sort(), [owner.userId, guest.userId].sort(), `${section}, at and membership`);
    const left = await list(owner, roomId, { at: next_batch, membership: 'leave' });
    same(left.size, 0, `${section}, at and membership`);
  });

  it('is refused with 403 for a room that nobody knows', async () => {
    const user = await shared.user();
    expectError(
      await user.ask('GET', path('rooms', `!${'m'.repeat(43)}`, 'members')),
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      `${section}, 403`,
    );
  });
});

describe('the joined members', () => {
  const section = 'CS API, GET /rooms/{roomId}/joined_members';

  it('are those who are joined, with their names and avatars', async () => {
    const [owner, guest, third] = await trio();
    await guest.get200('PUT', path('profile', guest.userId, 'displayname'), { json: { displayname: 'G' } });
    await guest.get200('PUT', path('profile', guest.userId, 'avatar_url'), {
      json: { avatar_url: 'mxc://example.org/g' },
    });
    const roomId = await owner.createRoom({ preset: 'public_chat', invite: [third.userId] });
    await guest.join(roomId);
    const body = expectOk(await owner.ask('GET', path('rooms', roomId, 'joined_members')), section);
    const joined = body['joined'];
    check(isObject(joined), section, body);
    same(Object.keys(joined).sort(), [owner.userId, guest.userId].sort(), `${section}: joined ones only`);
    same(joined[guest.userId], { display_name: 'G', avatar_url: 'mxc://example.org/g' }, section);
  });

  it('are shown to the joined only: 403 for the invited, the former and strangers', async () => {
    const [owner, guest, third] = await trio();
    const stranger = await shared.user();
    const roomId = await owner.createRoom({ preset: 'public_chat', invite: [third.userId] });
    await guest.join(roomId);
    await guest.leave(roomId);
    for (const user of [third, guest, stranger])
      expectError(
        await user.ask('GET', path('rooms', roomId, 'joined_members')),
        403,
        'M_FORBIDDEN',
        `${section}, 403: the current user must be in the room`,
      );
  });
});

describe('reading state', () => {
  const section = 'CS API, GET /rooms/{roomId}/state';

  it('of a type and key gives its content, and with format=event the whole event', async () => {
    const rule = `${section}/{eventType}/{stateKey}`;
    const owner = await shared.user();
    const roomId = await owner.createRoom({ name: 'N' });
    const where = path('rooms', roomId, 'state', 'm.room.name', '');
    same(expectOk(await owner.ask('GET', where), rule), { name: 'N' }, `${rule}: content is the default`);
    same(expectOk(await owner.ask('GET', `${where}?format=content`), rule), { name: 'N' }, rule);
    const event = expectOk(await owner.ask('GET', `${where}?format=event`), rule);
    same(
      [event['type'], event['state_key'], event['sender'], event['room_id'], event['content']],
      ['m.room.name', '', owner.userId, roomId, { name: 'N' }],
      `${rule}, format=event: the usual format`,
    );
    check(
      typeof event['event_id'] === 'string' && typeof event['origin_server_ts'] === 'number',
      rule,
      event,
    );
    const bare = path('rooms', roomId, 'state', 'm.room.name');
    same(expectOk(await owner.ask('GET', `${bare}?format=event`), rule)['event_id'], event['event_id'], rule);
  });

  it('refuses a format that does not exist', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const where = `${path('rooms', roomId, 'state', 'm.room.create', '')}?format=xml`;
    expectError(await owner.ask('GET', where), 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], section);
  });

  it('shows those who left, and were kicked or banned, the state of that time', async () => {
    const [owner, guest, third] = await trio();
    const banned = await shared.user();
    const roomId = await owner.createRoom({ preset: 'public_chat', name: 'then' });
    for (const user of [guest, third, banned]) await user.join(roomId);
    await guest.leave(roomId);
    await owner.get200('POST', path('rooms', roomId, 'kick'), { json: { user_id: third.userId } });
    await owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: banned.userId } });
    await owner.setState(roomId, 'm.room.name', '', { name: 'now' });
    for (const [user, membership] of [
      [guest, 'leave'],
      [third, 'leave'],
      [banned, 'ban'],
    ] as const) {
      const answer = await user.ask('GET', path('rooms', roomId, 'state'));
      same(answer.status, 200, section);
      const state = events(answer.json);
      const name = state.find((event) => event.type === 'm.room.name');
      same(name?.content['name'], 'then', `${section}: the state of the room when they left`);
      const own = state.find((event) => event.type === 'm.room.member' && event.state_key === user.userId);
      same(own?.content['membership'], membership, section);
      const asEvent = `${path('rooms', roomId, 'state', 'm.room.name', '')}?format=event`;
      same(expectOk(await user.ask('GET', asEvent), section)['content'], { name: 'then' }, section);
    }
  });

  it('is refused with 403 to those who were only invited or never there', async () => {
    const [owner, invited, stranger] = await trio();
    const roomId = await owner.createRoom({ invite: [invited.userId] });
    for (const user of [invited, stranger])
      for (const where of [
        path('rooms', roomId, 'state'),
        path('rooms', roomId, 'state', 'm.room.create', ''),
        path('rooms', roomId, 'members'),
      ])
        expectError(await user.ask('GET', where), 403, 'M_FORBIDDEN', `${section}, 403 (${where})`);
  });

  it('is open to anyone in a world-readable room', async () => {
    const [owner, stranger] = await trio();
    const roomId = await owner.createRoom({
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
      name: 'Glass house',
    });
    const rule = 'CS API, Room history visibility, world_readable';
    same(await stranger.state(roomId, 'm.room.name'), { name: 'Glass house' }, rule);
    const all = await stranger.ask('GET', path('rooms', roomId, 'state'));
    same(all.status, 200, rule);
    check(
      events(all.json).some((event) => event.type === 'm.room.create'),
      rule,
      all.text,
    );
    same((await stranger.ask('GET', path('rooms', roomId, 'members'))).status, 200, rule);
  });

  it('says which state event an event replaced', async () => {
    const rule = 'CS API, ClientEvent, unsigned.replaces_state (added in v1.19)';
    const [owner] = await trio();
    const roomId = await owner.createRoom();
    const first = await owner.setState(roomId, 'm.room.topic', '', { topic: 'one' });
    const second = await owner.setState(roomId, 'm.room.topic', '', { topic: 'two' });
    const event = await owner.get200('GET', path('rooms', roomId, 'event', second));
    const unsigned = event['unsigned'];
    check(isObject(unsigned), rule, event);
    same(unsigned['replaces_state'], first, rule);
  });
});

describe('one event', () => {
  it('is given by GET /events/{eventId} too, to whom may see it', async () => {
    const section = 'CS API, GET /events/{eventId}';
    const [owner, guest, stranger] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const said = await owner.say(roomId, 'hello');
    const event = expectOk(await guest.ask('GET', path('events', said)), section);
    same(
      [event['event_id'], event['room_id'], event['sender'], event['content']],
      [said, roomId, owner.userId, { msgtype: 'm.text', body: 'hello' }],
      section,
    );
    expectError(await stranger.ask('GET', path('events', said)), 404, 'M_NOT_FOUND', `${section}, 404`);
    expectError(
      await owner.ask('GET', path('events', `$${'e'.repeat(43)}`)),
      404,
      'M_NOT_FOUND',
      `${section}, 404`,
    );
    expectError(await shared.http.ask('GET', path('events', said)), 401, 'M_MISSING_TOKEN', section);
  });

  it('has its age and the membership of the reader', async () => {
    const section = 'CS API, ClientEvent, unsigned';
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const before = await owner.say(roomId, 'before');
    await guest.join(roomId);
    const after = await owner.say(roomId, 'after');
    const unsigned = async (eventId: string): Promise<Json> => {
      const event = await guest.get200('GET', path('rooms', roomId, 'event', eventId));
      check(isObject(event['unsigned']), section, event);
      return event['unsigned'];
    };
    check(typeof (await unsigned(before))['age'] === 'number', `${section}, age`, before);
    same((await unsigned(before))['membership'], 'leave', `${section}, membership: no member state yet`);
    same((await unsigned(after))['membership'], 'join', `${section}, membership`);
  });
});

describe('the membership of the reader', () => {
  const section = 'CS API, ClientEvent, unsigned.membership: SHOULD be populated wherever practical';
  const membershipOf = (event: unknown) =>
    isObject(event) && isObject(event['unsigned']) ? event['unsigned']['membership'] : undefined;
  /** By type and state key. */
  const memberships = (events: unknown) => {
    check(Array.isArray(events), section, events);
    const all = events.map((event) => [`${event.type} ${event.state_key}`, membershipOf(event)] as const);
    return Object.fromEntries(all);
  };

  it('is told with state, however it is asked for', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat', name: 'Before' });
    await guest.join(roomId);
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'after' });
    const said = await owner.say(roomId, 'said');
    const wanted = {
      'm.room.name ': 'leave',
      [`m.room.member ${owner.userId}`]: 'leave',
      [`m.room.member ${guest.userId}`]: 'join',
      'm.room.topic ': 'join',
    };
    const only = (events: unknown) => {
      const all = memberships(events);
      return Object.fromEntries(Object.keys(wanted).map((key) => [key, all[key]]));
    };
    const state = await guest.ask('GET', path('rooms', roomId, 'state'));
    same(only(state.json), wanted, `${section}: GET state`);
    const around = await guest.get200('GET', path('rooms', roomId, 'context', said));
    same(only(around['state']), wanted, `${section}: GET context`);
    const initial = await guest.get200('GET', path('rooms', roomId, 'initialSync'));
    same(only(initial['state']), wanted, `${section}: GET rooms/{roomId}/initialSync`);
    const { chunk } = await guest.get200('GET', path('rooms', roomId, 'members'));
    const members = { [`m.room.member ${owner.userId}`]: 'leave', [`m.room.member ${guest.userId}`]: 'join' };
    same(memberships(chunk), members, `${section}: GET members`);
    const lazy = JSON.stringify({ lazy_load_members: true });
    const page = await guest.messages(roomId, { dir: 'b', limit: '1', filter: lazy });
    same(memberships(page.state), { [`m.room.member ${owner.userId}`]: 'leave' }, `${section}: GET messages`);
    for (const [type, membership] of [
      ['m.room.name', 'leave'],
      ['m.room.topic', 'join'],
    ] as const) {
      const where = `${path('rooms', roomId, 'state', type)}?format=event`;
      same(membershipOf(await guest.get200('GET', where)), membership, `${section}: ${type}`);
    }
  });

  it('is told with what is told of an event', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const root = await owner.say(roomId, 'root');
    const gone = await owner.say(roomId, 'gone');
    await guest.join(roomId);
    const thread = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.text', body: 'in it', ...thread });
    await owner.redact(roomId, gone);
    const one = await guest.get200('GET', path('rooms', roomId, 'event', root));
    const unsigned = isObject(one['unsigned']) ? one['unsigned'] : {};
    const relations = isObject(unsigned['m.relations']) ? unsigned['m.relations'] : {};
    const bundle = isObject(relations['m.thread']) ? relations['m.thread'] : {};
    same([membershipOf(one), membershipOf(bundle['latest_event'])], ['leave', 'join'], section);
    const { chunk } = await guest.messages(roomId, { dir: 'b' });
    const redacted = chunk.find(({ event_id }) => event_id === gone);
    const because = redacted?.unsigned?.['redacted_because'];
    same([membershipOf(redacted), membershipOf(because)], ['leave', 'join'], section);
  });
});

describe('the event closest to a time', () => {
  const section = 'CS API, GET /rooms/{roomId}/timestamp_to_event';
  const V1 = '/_matrix/client/v1';
  const ask = (user: Client, roomId: string, query: string) =>
    user.ask('GET', `${V1}/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?${query}`);

  async function spoken(): Promise<readonly [Client, string, readonly ClientEvent[]]> {
    const owner = await shared.user('owner');
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    for (let i = 0; i < 3; i++) {
      await owner.say(roomId, String(i));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    const said = (await owner.history(roomId)).filter((event) => event.type === 'm.room.message');
    return [owner, roomId, said];
  }

  it('is found in both directions, the event at that very time too', async () => {
    const [owner, roomId, said] = await spoken();
    const [first, second, third] = said;
    check(first !== undefined && second !== undefined && third !== undefined, section, said);
    const found = async (ts: number, dir: string) =>
      expectOk(await ask(owner, roomId, `ts=${ts}&dir=${dir}`), `${section}, ts=${ts} dir=${dir}`);
    for (const dir of ['f', 'b'])
      same(
        await found(second.origin_server_ts, dir),
        { event_id: second.event_id, origin_server_ts: second.origin_server_ts },
        `${section}, 200`,
      );
    same((await found(second.origin_server_ts + 1, 'f'))['event_id'], third.event_id, `${section}, f`);
    same((await found(second.origin_server_ts - 1, 'b'))['event_id'], first.event_id, `${section}, b`);
    const create = (await owner.history(roomId))[0];
    same((await found(0, 'f'))['event_id'], create?.event_id, `${section}: from the beginning`);
    same((await found(Date.now() + 3_600_000, 'b'))['event_id'], third.event_id, `${section}: from the end`);
  });

  it('is 404 M_NOT_FOUND where there is none in that direction', async () => {
    const [owner, roomId] = await spoken();
    for (const query of [`ts=${Date.now() + 3_600_000}&dir=f`, 'ts=0&dir=b', 'ts=-5&dir=b'])
      expectError(await ask(owner, roomId, query), 404, 'M_NOT_FOUND', `${section}, 404 (?${query})`);
  });

  it('leads to /context', async () => {
    const [owner, roomId, said] = await spoken();
    const ts = said[1]?.origin_server_ts ?? 0;
    const found = expectOk(await ask(owner, roomId, `ts=${ts}&dir=f`), section);
    const where = path('rooms', roomId, 'context', String(found['event_id']));
    const context = expectOk(await owner.ask('GET', where), 'CS API, GET context');
    check(typeof context['start'] === 'string', section, context);
  });

  it('is one that the user may see', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    });
    const hidden = await owner.get200(
      'GET',
      path('rooms', roomId, 'event', await owner.say(roomId, 'hidden')),
    );
    await guest.join(roomId);
    const query = `ts=${hidden['origin_server_ts']}&dir=f`;
    const found = expectOk(await ask(guest, roomId, query), section);
    const event = await guest.get200('GET', path('rooms', roomId, 'event', String(found['event_id'])));
    same(
      event['state_key'],
      guest.userId,
      'CS API, Room history visibility: the first that is visible is the join',
    );
  });

  it('wants "ts" and "dir", and a member', async () => {
    const [owner, roomId] = await spoken();
    const stranger = await shared.user();
    for (const query of ['dir=f', 'ts=0', 'ts=soon&dir=f', 'ts=0&dir=up'])
      expectError(
        await ask(owner, roomId, query),
        400,
        ['M_MISSING_PARAM', 'M_INVALID_PARAM', 'M_BAD_JSON'],
        `${section} (?${query})`,
      );
    expectError(
      await ask(stranger, roomId, 'ts=0&dir=f'),
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      section,
    );
  });
});

describe('the context of an event', () => {
  const section = 'CS API, GET /rooms/{roomId}/context/{eventId}';

  const ask = (user: Client, roomId: string, eventId: string, query: Readonly<Record<string, string>> = {}) =>
    user.ask('GET', `${path('rooms', roomId, 'context', eventId)}?${new URLSearchParams(query)}`);

  async function talk(count: number): Promise<readonly [Client, string, readonly string[]]> {
    const owner = await shared.user('owner');
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const sent: string[] = [];
    for (let i = 0; i < count; i++) sent.push(await owner.say(roomId, String(i)));
    return [owner, roomId, sent];
  }

  it('has what came just before, newest first, and just after, oldest first', async () => {
    const [owner, roomId, sent] = await talk(9);
    const body = expectOk(await ask(owner, roomId, sent[4] ?? '', { limit: '4' }), section);
    same((body['event'] as ClientEvent).event_id, sent[4], section);
    same(ids(events(body['events_before'])), [sent[3], sent[2]], `${section}: reverse-chronological`);
    same(ids(events(body['events_after'])), [sent[5], sent[6]], `${section}: chronological`);
  });

  it('keeps the sum of both lists to the limit, ten by default, and gives the event even with 0', async () => {
    const [owner, roomId, sent] = await talk(20);
    const sizes = async (query: Readonly<Record<string, string>>) => {
      const body = expectOk(await ask(owner, roomId, sent[10] ?? '', query), section);
      same((body['event'] as ClientEvent).event_id, sent[10], `${section}: always returned`);
      return events(body['events_before']).length + events(body['events_after']).length;
    };
    same(await sizes({}), 10, `${section}, limit: defaults to 10`);
    same(await sizes({ limit: '0' }), 0, `${section}, limit 0`);
    for (const limit of ['1', '2', '3', '7']) {
      const size = await sizes({ limit });
      check(size <= Number(limit), `${section}: applies to the sum (${limit})`, size);
    }
  });

  it('gives tokens from which /messages goes on both ways without gap or repeat', async () => {
    const [owner, roomId, sent] = await talk(9);
    const body = expectOk(await ask(owner, roomId, sent[4] ?? '', { limit: '2' }), section);
    const older = await owner.messages(roomId, { dir: 'b', from: String(body['start']), limit: '2' });
    same(ids(older.chunk), [sent[2], sent[1]], `${section}, start: to paginate backwards`);
    const newer = await owner.messages(roomId, { dir: 'f', from: String(body['end']), limit: '2' });
    same(ids(newer.chunk), [sent[6], sent[7]], `${section}, end: to paginate forwards`);
  });

  it('has the state of the room at its last event', async () => {
    const [owner, roomId] = await talk(0);
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'then' });
    const said = await owner.say(roomId, 'here');
    const last = await owner.say(roomId, 'last');
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'later' });
    const body = expectOk(await ask(owner, roomId, said, { limit: '2' }), section);
    same(ids(events(body['events_after'])), [last], section);
    const topic = events(body['state']).find((event) => event.type === 'm.room.topic');
    same(topic?.content['topic'], 'then', `${section}: the state at the last event returned`);
    check(
      events(body['state']).some((event) => event.type === 'm.room.create'),
      section,
      body['state'],
    );
  });

  it('filters what is around and the state, but not the event itself', async () => {
    const [owner, roomId] = await talk(0);
    await owner.send(roomId, 'org.example.a', { n: 1 });
    const middle = await owner.say(roomId, 'middle');
    await owner.send(roomId, 'org.example.a', { n: 2 });
    await owner.say(roomId, 'not wanted');
    const filter = JSON.stringify({ types: ['org.example.a'] });
    const body = expectOk(await ask(owner, roomId, middle, { limit: '10', filter }), section);
    same((body['event'] as ClientEvent).event_id, middle, `${section}: not applied to the event itself`);
    const around = [...events(body['events_before']), ...events(body['events_after'])];
    check(
      around.length > 0 && around.every((event) => event.type === 'org.example.a'),
      `${section}, filter`,
      around,
    );
    same(events(body['state']), [], `${section}: the filter applies to the state too`);
  });

  it('has the members who sent what is shown, and no others, with lazy_load_members', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await third.join(roomId);
    const said = await guest.say(roomId, 'hi');
    const filter = JSON.stringify({ lazy_load_members: true });
    const body = expectOk(await ask(owner, roomId, said, { limit: '0', filter }), section);
    const members = events(body['state']).filter((event) => event.type === 'm.room.member');
    same(
      members.map((event) => event.state_key),
      [guest.userId],
      'CS API, Lazy-loading room members: only for the sender of events being included',
    );
  });

  it('is hidden together with its event', async () => {
    const [owner, roomId, sent] = await talk(1);
    const stranger = await shared.user();
    expectError(
      await ask(stranger, roomId, sent[0] ?? ''),
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      `${section}: only results that the user has permission to see`,
    );
    expectError(await ask(owner, roomId, `$${'c'.repeat(43)}`), 404, 'M_NOT_FOUND', section);
    for (const query of [{ limit: 'many' }, { filter: '{' }, { limit: '-1' }])
      expectError(
        await ask(owner, roomId, sent[0] ?? '', query as Record<string, string>),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON', 'M_NOT_JSON'],
        `${section} (${JSON.stringify(query)})`,
      );
  });
});
