import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { createRoom, failures, register, testHouse } from './house.fixture.ts';

after(() => assert.deepEqual(failures, []));

/** Values that stand where something else should. */
const anything = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 60,
    '',
    '@',
    '@a:b',
    '!r:b',
    '$e',
    '#a:b',
    '__proto__',
    '\ud800',
  ),
  fc.jsonValue(),
);

const KEYS = [
  ...['type', 'identifier', 'user', 'password', 'username', 'auth', 'user_id', 'room_id', 'reason', 'typing'],
  ...['timeout', 'invite', 'initial_state', 'preset', 'visibility', 'power_level_content_override', 'filter'],
  ...['creation_content', 'room_version', 'limit', 'since', 'm.read', 'thread_id', 'membership', '__proto__'],
] as const;

const body = fc
  .oneof(anything, fc.dictionary(fc.constantFrom(...KEYS), anything, { maxKeys: 4 }))
  .map((value) => JSON.stringify(value) ?? '');

const raw = fc.oneof(body, fc.string(), fc.constantFrom('{"a":1,"a":2}', '[[[[', '{"a":1e400}', '\u0000'));

const parameter = fc.oneof(
  fc.constantFrom(
    '@alice:test.example',
    '@',
    '!r:test.example',
    '$e',
    '#a:test.example',
    '%00',
    '..',
    '__proto__',
  ),
  fc.constantFrom('m.room.member', 'm.room.power_levels', 'm.room.create', 'm.room.redaction', 'ROOM'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map(safeEncode),
);

const query = fc.oneof(
  fc.constant(''),
  fc
    .dictionary(
      fc.constantFrom('limit', 'from', 'to', 'dir', 'filter', 'at', 'since', 'kind', 'access_token'),
      fc.string({ maxLength: 8 }),
    )
    .map((entries) => `?${new URLSearchParams(entries)}`),
  fc.string({ maxLength: 8 }).map((text) => `?${safeEncode(text)}`),
);

function safeEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

describe('malformed requests', () => {
  it('of every route get an error of the spec or succeed, never 500', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    const routes = house.routes.filter(({ url }) => url.includes('/v3/') || url.startsWith('/_synapse'));
    const request = fc.record({
      route: fc.constantFrom(...routes),
      parameters: fc.array(parameter, { minLength: 4, maxLength: 4 }),
      query,
      raw,
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ route, parameters, query, raw }) => {
        // A logout would make all later requests 401.
        fc.pre(!route.url.includes('logout'));
        const rest = [...parameters];
        const path = route.url.replaceAll(/:\w+/g, () => (rest.pop() ?? 'x').replace('ROOM', room));
        const method = route.method as 'GET' | 'POST' | 'PUT' | 'DELETE'; // As `route` adds them.
        const ask = { token: alice.token, ...(method === 'GET' ? {} : { raw }) };
        const { status, json, text } = await house.ask(method, path + query, ask);
        assert.ok(status < 500, `${method} ${path}${query} ${raw}: ${status} ${text}`);
        if (status >= 400 && status !== 401) {
          assert.match(json?.errcode ?? '', /^M_[A-Z_]+$/, `${method} ${path}: ${text}`);
          assert.equal(typeof json.error, 'string');
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('that are refused put nothing on the log', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    let onLog = house.log.records.length;
    await fc.assert(
      fc.asyncProperty(raw, async (text) => {
        const path = house.client(`/rooms/${room}/send/m.room.message/${onLog}`);
        const { status } = await house.ask('PUT', path, { token: alice.token, raw: text });
        if (status === 200) onLog += 1;
        assert.equal(house.log.records.length, onLog);
      }),
      { numRuns: 200 },
    );
  });
});
