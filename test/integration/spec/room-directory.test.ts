import { describe, it } from 'node:test';
import { type Client, freshName, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

interface Listed extends Json {
  readonly room_id: string;
}

const chunk = (body: Json) => body['chunk'] as readonly Listed[];
const roomIds = (body: Json) => chunk(body).map((room) => room.room_id);

const search = (user: Client, body: Json) => user.ask('POST', path('publicRooms'), { json: body });

/** A word that no other test puts into a room. */
const word = () => freshName('word').replaceAll('-', 'x');

async function published(owner: Client, count: number, body: Json = {}): Promise<readonly string[]> {
  const rooms: string[] = [];
  for (let i = 0; i < count; i++)
    rooms.push(await owner.createRoom({ visibility: 'public', ...body, topic: String(body['name'] ?? '') }));
  return rooms;
}

describe('a room’s visibility in the directory', () => {
  const section = 'CS API, PUT /directory/list/room/{roomId}';
  const at = (roomId: string) => path('directory', 'list', 'room', roomId);

  it('is private unless createRoom says public, and anyone may ask for it without a token', async () => {
    const owner = await shared.user();
    const [hidden, shown] = [await owner.createRoom(), await owner.createRoom({ visibility: 'public' })];
    for (const [roomId, visibility] of [
      [hidden, 'private'],
      [shown, 'public'],
    ] as const)
      same(
        expectOk(await shared.http.ask('GET', at(roomId)), section),
        { visibility },
        'CS API, POST createRoom, visibility: defaults to private',
      );
  });

  it('can be changed to and fro, and "public" is the default of a change', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const now = async () => expectOk(await owner.ask('GET', at(roomId)), section)['visibility'];
    expectOk(await owner.ask('PUT', at(roomId), { json: {} }), `${section}, visibility: defaults to public`);
    same(await now(), 'public', section);
    expectOk(await owner.ask('PUT', at(roomId), { json: { visibility: 'private' } }), section);
    same(await now(), 'private', section);
    expectOk(
      await owner.ask('PUT', at(roomId), { json: { visibility: 'private' } }),
      `${section}, 200: or no change was needed`,
    );
  });

  it('is 404 for a room that the server does not know', async () => {
    const owner = await shared.user();
    const where = at(`!${'d'.repeat(43)}`);
    expectError(await owner.ask('GET', where), 404, 'M_NOT_FOUND', 'CS API, GET directory/list/room, 404');
    expectError(
      await owner.ask('PUT', where, { json: { visibility: 'public' } }),
      404,
      'M_NOT_FOUND',
      `${section}, 404`,
    );
  });

  it('is not changed by those who may not, and not to what does not exist', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const answer = await guest.ask('PUT', at(roomId), { json: { visibility: 'public' } });
    expectError(answer, 403, 'M_FORBIDDEN', `${section}: servers MAY check access`);
    expectError(
      await owner.ask('PUT', at(roomId), { json: { visibility: 'hidden' } }),
      400,
      ['M_BAD_JSON', 'M_INVALID_PARAM'],
      section,
    );
    expectError(
      await shared.http.ask('PUT', at(roomId), { json: {} }),
      401,
      'M_MISSING_TOKEN',
      `${section} needs a token`,
    );
    same(
      expectOk(await owner.ask('GET', at(roomId)), section)['visibility'],
      'private',
      `${section}: nothing changed`,
    );
  });
});

describe('the list of public rooms', () => {
  const section = 'CS API, publicRooms';

  it('describes each room by its state', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const name = word();
    const local = freshName('listed');
    const roomId = await owner.createRoom({
      preset: 'public_chat',
      visibility: 'public',
      name,
      topic: 'What we talk about',
      room_alias_name: local,
      creation_content: { type: 'org.example.kind' },
      initial_state: [
        { type: 'm.room.avatar', content: { url: 'mxc://example.org/avatar' } },
        { type: 'm.room.guest_access', content: { guest_access: 'can_join' } },
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    });
    await guest.join(roomId);
    const body = expectOk(await search(guest, { filter: { generic_search_term: name } }), section);
    same(
      chunk(body),
      [
        {
          room_id: roomId,
          name,
          topic: 'What we talk about',
          canonical_alias: `#${local}:${shared.serverName}`,
          avatar_url: 'mxc://example.org/avatar',
          num_joined_members: 2,
          world_readable: true,
          guest_can_join: true,
          join_rule: 'public',
          room_type: 'org.example.kind',
        },
      ].map((expected) => reordered(expected, chunk(body)[0])),
      `${section}, PublishedRoomsChunk`,
    );
  });

  it('follows the rooms as they change', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const name = word();
    const [roomId] = await published(owner, 1, { name, preset: 'public_chat' });
    await guest.join(roomId ?? '');
    await owner.setState(roomId ?? '', 'm.room.topic', '', { topic: 'newer' });
    await owner.setState(roomId ?? '', 'm.room.join_rules', '', { join_rule: 'knock' });
    await guest.leave(roomId ?? '');
    const room = chunk(expectOk(await search(owner, { filter: { generic_search_term: name } }), section))[0];
    same(
      [room?.['topic'], room?.['join_rule'], room?.['num_joined_members']],
      ['newer', 'knock', 1],
      section,
    );
  });

  it('is open without a token with GET, and only with one with POST', async () => {
    const owner = await shared.user();
    const [roomId] = await published(owner, 1, { name: word() });
    const body = expectOk(
      await shared.http.ask('GET', `${path('publicRooms')}?limit=500`),
      `${section}, GET: no token`,
    );
    check(roomIds(body).includes(roomId ?? ''), `${section}, GET`, roomIds(body));
    expectError(
      await shared.http.ask('POST', path('publicRooms'), { json: {} }),
      401,
      'M_MISSING_TOKEN',
      `${section}, POST`,
    );
  });

  it('pages forwards to the end and back to the start, each room once', async () => {
    const owner = await shared.user();
    const name = word();
    const rooms = await published(owner, 7, { name });
    const filter = { generic_search_term: name };
    const pages: Json[] = [];
    let since: unknown;
    for (let i = 0; i < 10; i++) {
      const page = expectOk(
        await search(owner, { limit: 3, filter, ...(since === undefined ? {} : { since }) }),
        section,
      );
      pages.push(page);
      since = page['next_batch'];
      if (since === undefined) break;
    }
    same(
      pages.map((page) => chunk(page).length),
      [3, 3, 1],
      `${section}, limit`,
    );
    same(pages.flatMap(roomIds).sort(), [...rooms].sort(), `${section}: each room once`);
    same(pages[0]?.['prev_batch'], undefined, `${section}, prev_batch: absent in the first batch`);
    same(pages[2]?.['next_batch'], undefined, `${section}, next_batch: absent in the last batch`);
    const back = expectOk(
      await search(owner, { limit: 3, filter, since: pages[2]?.['prev_batch'] }),
      section,
    );
    same(roomIds(back), roomIds(pages[1] ?? {}), `${section}, prev_batch: the previous results`);
    const first = expectOk(await search(owner, { limit: 3, filter, since: back['prev_batch'] }), section);
    same(roomIds(first), roomIds(pages[0] ?? {}), `${section}, prev_batch`);
    same(first['prev_batch'], undefined, `${section}, prev_batch: this is the first batch`);
  });

  it('pages by GET as well', async () => {
    const owner = await shared.user();
    await published(owner, 3, { name: word() });
    const first = expectOk(await shared.http.ask('GET', `${path('publicRooms')}?limit=2`), section);
    same(chunk(first).length, 2, `${section}, limit`);
    const since = encodeURIComponent(String(first['next_batch']));
    const second = expectOk(
      await shared.http.ask('GET', `${path('publicRooms')}?limit=2&since=${since}`),
      section,
    );
    check(
      !roomIds(second).some((room) => roomIds(first).includes(room)),
      `${section}, since: the next batch`,
      [roomIds(first), roomIds(second)],
    );
  });

  it('stays steady while rooms are listed and hidden between the pages', async () => {
    const owner = await shared.user();
    const name = word();
    const rooms = await published(owner, 6, { name });
    const filter = { generic_search_term: name };
    const first = expectOk(await search(owner, { limit: 3, filter }), section);
    const gone = roomIds(first)[0] ?? '';
    await owner.get200('PUT', path('directory', 'list', 'room', gone), { json: { visibility: 'private' } });
    const second = expectOk(await search(owner, { limit: 3, filter, since: first['next_batch'] }), section);
    same(
      [...roomIds(first), ...roomIds(second)].sort(),
      [...rooms].sort(),
      `${section}: what stays listed is not left out because another room went away`,
    );
  });

  it('puts the rooms with the most members first', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const name = word();
    const rooms = await published(owner, 3, { name, preset: 'public_chat' });
    await guest.join(rooms[1] ?? '');
    const body = expectOk(await search(owner, { filter: { generic_search_term: name } }), section);
    same(roomIds(body)[0], rooms[1], `${section}: largest first is recommended`);
  });

  it('finds by name, topic and alias, whatever the case, and takes no wildcards', async () => {
    const owner = await shared.user();
    const [name, topic, alias] = [word(), word(), freshName('findable')];
    const roomId = await owner.createRoom({
      visibility: 'public',
      name: `The ${name}`,
      topic: `About ${topic}`,
      room_alias_name: alias,
    });
    const found = async (term: string) =>
      roomIds(expectOk(await search(owner, { filter: { generic_search_term: term } }), section));
    for (const term of [name, name.toUpperCase(), topic, alias, `the ${name}`])
      same(await found(term), [roomId], `${section}, generic_search_term: name, topic, alias (${term})`);
    for (const term of [`${name}nothing`, `%${name}%`, `${name.slice(0, -1)}_`])
      same(await found(term), [], `${section}, generic_search_term (${term})`);
  });

  it('chooses by room type, null for rooms without one', async () => {
    const owner = await shared.user();
    const name = word();
    const [plain, space] = [
      await owner.createRoom({ visibility: 'public', name }),
      await owner.createRoom({ visibility: 'public', name, creation_content: { type: 'm.space' } }),
    ];
    const typed = async (room_types: readonly unknown[]) =>
      roomIds(expectOk(await search(owner, { filter: { generic_search_term: name, room_types } }), section));
    same(await typed(['m.space']), [space], `${section}, room_types`);
    same(await typed([null]), [plain], `${section}, room_types: null`);
    same((await typed([null, 'm.space'])).sort(), [plain, space].sort(), `${section}, room_types`);
    same(await typed(['org.example.none']), [], `${section}, room_types`);
  });

  it('has an estimate of the total', async () => {
    const owner = await shared.user();
    const name = word();
    await published(owner, 4, { name });
    const body = expectOk(await search(owner, { limit: 1, filter: { generic_search_term: name } }), section);
    same(body['total_room_count_estimate'], 4, `${section}, total_room_count_estimate`);
  });

  it('knows its own name as "server", and no other', async () => {
    const owner = await shared.user();
    const own = `${path('publicRooms')}?server=${shared.serverName}&limit=1`;
    expectOk(await shared.http.ask('GET', own), `${section}, server`);
    expectOk(await owner.ask('POST', own, { json: { limit: 1 } }), `${section}, server`);
    const other = `${path('publicRooms')}?server=elsewhere.example`;
    expectError(
      await owner.ask('GET', other),
      [400, 403, 404, 502],
      ['M_UNKNOWN', 'M_FORBIDDEN', 'M_NOT_FOUND'],
      section,
    );
  });

  it('refuses limits, tokens and filters that are none', async () => {
    const owner = await shared.user();
    for (const query of ['limit=many', 'limit=-1', 'since=no-such-token'])
      expectError(
        await shared.http.ask('GET', `${path('publicRooms')}?${query}`),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON'],
        `${section} (?${query})`,
      );
    for (const body of [{ limit: 'x' }, { since: 4 }, { filter: [] }, { filter: { room_types: 'm.space' } }])
      expectError(
        await search(owner, body),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON'],
        `${section} (${JSON.stringify(body)})`,
      );
  });
});

/** `value` with its keys in the order of `like`, so that a comparison is one of values. */
function reordered(value: Json, like: Json | undefined): Json {
  const order = Object.keys(like ?? {});
  const place = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => place(a) - place(b)));
}
