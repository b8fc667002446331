import { describe, it } from 'node:test';
import { type Client, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const SECTION = 'CS API, Profiles';
const PUT = 'CS API, PUT /profile/{userId}/{keyName}';

const server = sharedServer();

function put(user: Client, field: string, value: unknown) {
  return user.ask('PUT', path('profile', user.userId, field), { json: { [field]: value } });
}

async function profile(user: Client) {
  return expectOk(await server.http.ask('GET', path('profile', user.userId)), SECTION);
}

describe('custom fields of a profile', () => {
  it('take any JSON and give it back, to anybody', async () => {
    const user = await server.user();
    const values: Readonly<Record<string, unknown>> = {
      'm.tz': 'Europe/London',
      'org.example.text': 'words',
      'org.example.number': 7,
      'org.example.flag': false,
      'org.example.list': [1, 'two', { three: null }],
      'org.example.object': { a: { b: [] } },
      'org.example.null': null,
    };
    for (const [field, value] of Object.entries(values)) {
      expectOk(await put(user, field, value), PUT);
      const one = await server.http.ask('GET', path('profile', user.userId, field));
      same(expectOk(one, SECTION), { [field]: value }, `${SECTION}: ${field}`);
    }
    same(await profile(user), values, `${SECTION}: the whole profile`);
  });

  it('are replaced and removed, and removing what is not there is no error', async () => {
    const user = await server.user();
    const remove = () => user.ask('DELETE', path('profile', user.userId, 'org.example.colour'));
    expectOk(await put(user, 'org.example.colour', 'red'), PUT);
    expectOk(await put(user, 'org.example.colour', 'blue'), PUT);
    same(await profile(user), { 'org.example.colour': 'blue' }, PUT);
    expectOk(await remove(), 'CS API, DELETE /profile/{userId}/{keyName}');
    expectOk(await remove(), 'CS API, DELETE /profile: or it does not exist');
    same(await profile(user), {}, SECTION);
    const one = await server.http.ask('GET', path('profile', user.userId, 'org.example.colour'));
    expectError(one, 404, 'M_NOT_FOUND', `${SECTION}, GET, 404`);
  });

  it('are not events: rooms are told nothing of them', async () => {
    const user = await server.user();
    const roomId = await user.createRoom();
    expectOk(await put(user, 'org.example.colour', 'red'), PUT);
    expectOk(await put(user, 'displayname', 'Ada'), PUT);
    const found = await user.syncUntil(undefined, ({ rooms }) => {
      const { state, timeline } = rooms?.join?.[roomId] ?? {};
      const events = [...(state?.events ?? []), ...(timeline?.events ?? [])];
      return events.some(({ content }) => content['displayname'] === 'Ada');
    });
    check(!JSON.stringify(found).includes('org.example.colour'), SECTION, found);
  });
});

describe('what cannot be set', () => {
  it('a key that is no namespaced identifier: M_INVALID_PARAM', async () => {
    const user = await server.user();
    for (const key of ['Org.Example', '1st', 'org example', 'ö', '_x', 'a/b']) {
      expectError(await put(user, key, 1), 400, 'M_INVALID_PARAM', `${PUT}, 400: ${key}`);
      const gone = await user.ask('DELETE', path('profile', user.userId, key));
      expectError(gone, 400, 'M_INVALID_PARAM', `CS API, DELETE /profile, 400: ${key}`);
    }
  });

  it('a key of more than 255 bytes: M_KEY_TOO_LARGE', async () => {
    const user = await server.user();
    expectOk(await put(user, `org.${'x'.repeat(251)}`, 1), `${PUT}: 255 bytes are allowed`);
    expectError(await put(user, `org.${'x'.repeat(252)}`, 1), 400, 'M_KEY_TOO_LARGE', `${PUT}, 400`);
  });

  it('more than 64 KiB in all: M_PROFILE_TOO_LARGE, and what was there stays', async () => {
    const user = await server.user();
    expectOk(await put(user, 'org.example.one', 'x'.repeat(40_000)), PUT);
    const second = await put(user, 'org.example.two', 'x'.repeat(40_000));
    expectError(second, 400, 'M_PROFILE_TOO_LARGE', `${PUT}, 400`);
    same(Object.keys(await profile(user)), ['org.example.one'], PUT);
    expectOk(await put(user, 'org.example.one', 'x'), `${PUT}: a smaller value in its place`);
    expectOk(await put(user, 'org.example.two', 'x'.repeat(40_000)), `${PUT}: then there is room`);
  });

  it('of two fields set at once that are too large together, one is refused', async () => {
    const user = await server.user();
    const fields = ['one', 'two', 'three', 'four'].map((name) => `org.example.${name}`);
    const answers = await Promise.all(fields.map((field) => put(user, field, 'x'.repeat(40_000))));
    same(answers.map(({ status }) => status).sort(), [200, 400, 400, 400], PUT);
    same(Object.keys(await profile(user)).length, 1, PUT);
  });

  it('64 KiB by itself, for the total must be under it', async () => {
    const user = await server.user();
    // {"org.example.x":"…"} is 20 bytes besides.
    expectError(await put(user, 'org.example.x', 'x'.repeat(65_516)), 400, 'M_PROFILE_TOO_LARGE', PUT);
    expectOk(await put(user, 'org.example.x', 'x'.repeat(65_515)), `${PUT}: one byte less`);
  });

  it('without the property that the path names: M_MISSING_PARAM', async () => {
    const user = await server.user();
    const answer = await user.ask('PUT', path('profile', user.userId, 'm.tz'), { json: { tz: 'x' } });
    expectError(answer, 400, 'M_MISSING_PARAM', `${PUT}, 400`);
  });

  it('a body that is no JSON, or no object', async () => {
    const user = await server.user();
    const where = path('profile', user.userId, 'm.tz');
    const codes = ['M_BAD_JSON', 'M_NOT_JSON'];
    expectError(await user.ask('PUT', where, { raw: '{"m.tz":' }), 400, codes, `${PUT}, 400`);
    expectError(await user.ask('PUT', where, { json: ['x'] }), 400, codes, `${PUT}, 400`);
  });

  it('a time zone or a name that is no text', async () => {
    const user = await server.user();
    for (const field of ['m.tz', 'displayname', 'avatar_url']) {
      expectError(await put(user, field, 7), 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], PUT);
    }
  });

  it('an avatar that is no mxc URI, and an empty one or null takes it away', async () => {
    const user = await server.user();
    const rule = `${PUT}: for avatar_url, the value MUST be an MXC URI string`;
    expectOk(await put(user, 'avatar_url', 'mxc://localhost/ada'), rule);
    for (const value of ['http://x', 'x', 'mxc://localhost', 'mxc://localhost/', 'mxc://localhost/../a', {}])
      expectError(await put(user, 'avatar_url', value), 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], rule);
    const profile = () => user.get200('GET', path('profile', user.userId));
    same((await profile())['avatar_url'], 'mxc://localhost/ada', `${rule}: nothing was changed`);
    expectOk(await put(user, 'avatar_url', ''), `${PUT}: clients unset it so`);
    check(!('avatar_url' in (await profile())), `${PUT}: clients unset it so`);
  });

  it('anything of somebody else: M_FORBIDDEN, and nothing without a token', async () => {
    const [user, other] = [await server.user(), await server.user()];
    const where = path('profile', other.userId, 'm.tz');
    expectError(await user.ask('PUT', where, { json: { 'm.tz': 'UTC' } }), 403, 'M_FORBIDDEN', `${PUT}, 403`);
    expectError(await user.ask('DELETE', where), 403, 'M_FORBIDDEN', 'CS API, DELETE /profile, 403');
    const none = await server.http.ask('PUT', where, { json: { 'm.tz': 'UTC' } });
    expectError(none, 401, 'M_MISSING_TOKEN', PUT);
  });
});

describe('a new display name or avatar', () => {
  it('reaches every room by a membership event, with what the room had besides', async () => {
    const rule = 'CS API, Events on Change of Profile Information';
    const user = await server.user();
    const rooms = await Promise.all([user.createRoom(), user.createRoom(), user.createRoom()]);
    expectOk(await put(user, 'displayname', 'Ada'), PUT);
    expectOk(await put(user, 'avatar_url', 'mxc://localhost/ada'), PUT);
    for (const roomId of rooms) {
      const deadline = performance.now() + 10_000;
      const wanted = { membership: 'join', displayname: 'Ada', avatar_url: 'mxc://localhost/ada' };
      for (;;) {
        const member = await user.state(roomId, 'm.room.member', user.userId);
        if (JSON.stringify(Object.entries(member).sort()) === JSON.stringify(Object.entries(wanted).sort()))
          break;
        check(performance.now() < deadline, rule, member);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });

  it('that is removed leaves the rooms too', async () => {
    const user = await server.user();
    expectOk(await put(user, 'displayname', 'Ada'), PUT);
    const roomId = await user.createRoom();
    same((await user.state(roomId, 'm.room.member', user.userId))['displayname'], 'Ada', SECTION);
    expectOk(await user.ask('DELETE', path('profile', user.userId, 'displayname')), SECTION);
    const deadline = performance.now() + 10_000;
    while ('displayname' in (await user.state(roomId, 'm.room.member', user.userId))) {
      check(performance.now() < deadline, `${SECTION}: the rooms are told of a removal`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});

describe('the capability m.profile_fields', () => {
  it('says that all fields may be changed, as the older two do', async () => {
    const user = await server.user();
    const answer = expectOk(await user.ask('GET', path('capabilities')), 'CS API, GET /capabilities');
    const capabilities = Object(answer['capabilities']);
    for (const name of ['m.profile_fields', 'm.set_displayname', 'm.set_avatar_url']) {
      same(capabilities[name], { enabled: true }, `CS API, ${name}`);
    }
  });
});
