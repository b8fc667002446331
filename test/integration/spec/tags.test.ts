import { describe, it } from 'node:test';
import { type Client, path } from '../../support/client.ts';
import { expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const SECTION = 'CS API, Room Tagging';
const DATA = 'CS API, Client Config';
const server = sharedServer();

const tagPath = (user: Client, roomId: string, tag: string) =>
  path('user', user.userId, 'rooms', roomId, 'tags', tag);
const tags = async (user: Client, roomId: string) =>
  (await user.get200('GET', path('user', user.userId, 'rooms', roomId, 'tags')))['tags'];

describe('tags', () => {
  it('are set with an order or without, listed, replaced and removed', async () => {
    const user = await server.user();
    const roomId = await user.createRoom();
    same(await tags(user, roomId), {}, SECTION);
    expectOk(await user.ask('PUT', tagPath(user, roomId, 'm.favourite'), { json: { order: 0.25 } }), SECTION);
    expectOk(await user.ask('PUT', tagPath(user, roomId, 'u.work'), { json: {} }), SECTION);
    same(await tags(user, roomId), { 'm.favourite': { order: 0.25 }, 'u.work': {} }, SECTION);
    expectOk(await user.ask('PUT', tagPath(user, roomId, 'm.favourite'), { json: { order: 1 } }), SECTION);
    expectOk(await user.ask('DELETE', tagPath(user, roomId, 'u.work')), SECTION);
    same(await tags(user, roomId), { 'm.favourite': { order: 1 } }, SECTION);
  });

  it('come down the sync of one’s other devices as m.tag', async () => {
    const user = await server.user();
    const roomId = await user.createRoom();
    const { next_batch } = await user.sync();
    expectOk(await user.ask('PUT', tagPath(user, roomId, 'u.a'), { json: { order: 0 } }), SECTION);
    const sync = await user.sync({ since: next_batch });
    const events = sync.rooms?.join?.[roomId]?.account_data?.events.map(({ type, content }) => ({
      type,
      content,
    }));
    same(events, [{ type: 'm.tag', content: { tags: { 'u.a': { order: 0 } } } }], SECTION);
  });

  it('have names of at most 255 bytes and an order from 0 to 1', async () => {
    const user = await server.user();
    const roomId = await user.createRoom();
    expectOk(await user.ask('PUT', tagPath(user, roomId, 'u.'.padEnd(255, 'x')), { json: {} }), SECTION);
    const long = await user.ask('PUT', tagPath(user, roomId, 'u.'.padEnd(256, 'x')), { json: {} });
    expectError(long, 400, 'M_INVALID_PARAM', `${SECTION}: MUST NOT exceed 255 bytes`);
    for (const order of [-0.1, 1.1, 'x']) {
      const answer = await user.ask('PUT', tagPath(user, roomId, 'u.a'), { json: { order } });
      expectError(answer, 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], SECTION);
    }
  });

  it('are one’s own', async () => {
    const [user, other] = [await server.user(), await server.user()];
    const roomId = await user.createRoom();
    expectError(
      await other.ask('PUT', tagPath(user, roomId, 'u.a'), { json: {} }),
      403,
      'M_FORBIDDEN',
      SECTION,
    );
    expectError(await other.ask('DELETE', tagPath(user, roomId, 'u.a')), 403, 'M_FORBIDDEN', SECTION);
    const list = path('user', user.userId, 'rooms', roomId, 'tags');
    expectError(await other.ask('GET', list), 403, 'M_FORBIDDEN', SECTION);
    expectError(await server.http.ask('GET', list), 401, 'M_MISSING_TOKEN', SECTION);
  });
});

describe('account data', () => {
  it('cannot be deleted: there is no such method', async () => {
    const user = await server.user();
    const where = path('user', user.userId, 'account_data', 'org.example.x');
    expectError(await user.ask('DELETE', where), 405, 'M_UNRECOGNIZED', DATA);
  });

  it('that the server manages is refused for rooms too, and read as any other', async () => {
    const user = await server.user();
    const roomId = await user.createRoom();
    for (const type of ['m.fully_read', 'm.push_rules']) {
      for (const where of [
        ['account_data', type],
        ['rooms', roomId, 'account_data', type],
      ]) {
        const answer = await user.ask('PUT', path('user', user.userId, ...where), { json: {} });
        expectError(answer, 405, 'M_BAD_JSON', `${DATA}: ${where.join('/')}`);
      }
    }
    expectOk(await user.ask('GET', path('user', user.userId, 'account_data', 'm.push_rules')), DATA);
    const said = await user.say(roomId, 'x');
    const marker = path('rooms', roomId, 'read_markers');
    expectOk(await user.ask('POST', marker, { json: { 'm.fully_read': said } }), DATA);
    const read = path('user', user.userId, 'rooms', roomId, 'account_data', 'm.fully_read');
    same(expectOk(await user.ask('GET', read), DATA), { event_id: said }, DATA);
  });

  it('has types of at most 255 bytes, and bodies that are objects of bounded size', async () => {
    const user = await server.user();
    const put = (type: string, ask: { json?: unknown; raw?: string }) =>
      user.ask('PUT', path('user', user.userId, 'account_data', type), ask);
    expectOk(await put('x'.repeat(255), { json: {} }), DATA);
    expectError(await put('x'.repeat(256), { json: {} }), 400, 'M_INVALID_PARAM', DATA);
    expectError(await put('org.example.x', { json: [1] }), 400, ['M_BAD_JSON', 'M_NOT_JSON'], `${DATA}, 400`);
    expectError(await put('org.example.x', { raw: '{' }), 400, ['M_BAD_JSON', 'M_NOT_JSON'], `${DATA}, 400`);
    const large = { json: { x: 'x'.repeat(1_100_000) } };
    expectError(await put('org.example.x', large), 413, 'M_TOO_LARGE', DATA);
  });
});
