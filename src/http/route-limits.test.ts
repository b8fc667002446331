import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { it } from 'node:test';
import { createRoom, register, testHouse } from './house.fixture.ts';
import { limitOfRoute } from './route-limits.ts';

const endpoints = join(resolve(process.env['MILENA_SPEC_DIR'] ?? '../shared/spec'), 'endpoints.tsv');
/** They count for themselves: by account and address. */
const OWN = new Set(['POST /login', 'POST /register']);

it('every route that the spec has limited is limited', async (test) => {
  if (!existsSync(endpoints)) return test.skip(`${endpoints} is not there: set MILENA_SPEC_DIR`);
  const wanted = new Set<string>();
  for (const line of readFileSync(endpoints, 'utf8').split('\n')) {
    const [api, method, path = '', , , limited] = line.split('\t').map((cell) => cell.trim());
    const short = path.replace(/^\/_matrix\/client\/v\d+/, '').replaceAll(/\{\w+\}/g, ':p');
    if (api === 'cs' && limited === 'yes') wanted.add(`${method} ${short}`);
  }
  const { routes } = await testHouse();
  const checked = routes.flatMap(({ method, url }) => {
    const name = `${method} ${url.replace(/^\/_matrix\/client\/(r0|v\d+)/, '').replaceAll(/:\w+/g, ':p')}`;
    return wanted.has(name) && !OWN.has(name) ? [[String(method), url] as const] : [];
  });
  assert.ok(checked.length > 20, `${checked.length} routes`);
  assert.deepEqual(
    checked.filter(([method, url]) => limitOfRoute(method, url) === undefined),
    [],
  );
});

it('one user makes only so many rooms, and a device asks only so often for all together', async () => {
  const house = await testHouse({ rateLimits: true });
  const alice = await register(house, 'alice');
  const rooms: string[] = [];
  for (let i = 0; i < 3; i += 1) rooms.push(await createRoom(alice));
  await assert.rejects(createRoom(alice), /429.*M_LIMIT_EXCEEDED/);
  const again = async (method: 'POST' | 'PUT', path: string, body: object) => {
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const { status, headers } = await house.ask(method, house.client(path), { token: alice.token, body });
      statuses.push(status);
      assert.equal(headers['retry-after'] !== undefined, status === 429);
    }
    return statuses;
  };
  const room = encodeURIComponent(rooms[0] ?? '');
  // Three rooms and four joins: the device's next is its eighth and last.
  assert.deepEqual(await again('POST', `/rooms/${room}/join`, {}), [200, 200, 200, 200]);
  const name = `/profile/${encodeURIComponent(alice.id)}/displayname`;
  assert.deepEqual(await again('PUT', name, { displayname: 'A' }), [200, 429, 429, 429]);
});

it('a device has a limit of its own, and whom the operator trusts has none', async () => {
  const house = await testHouse({
    rateLimits: true,
    rateExceptions: [{ userId: '@robot:test.example', factor: 0 }],
  });
  const statusesOf = async (token: string) => {
    const statuses: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      statuses.push((await house.ask('GET', house.client('/account/whoami'), { token })).status);
    }
    return statuses;
  };
  const alice = await register(house, 'alice');
  assert.deepEqual(new Set((await statusesOf(alice.token)).slice(5)), new Set([429]));
  const robot = await register(house, 'robot');
  assert.deepEqual(new Set(await statusesOf(robot.token)), new Set([200]));
});
