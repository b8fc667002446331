import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { NOBODY_SYNCS, testHouse } from '../../../src/http/house.fixture.ts';
import type { Client } from '../../support/client.ts';
import { sharedServer } from '../../support/shared-server.ts';
import { probes, WITHOUT_EVENTS } from './routes.ts';
import { type Scene, scenes } from './scene.ts';

const shared = sharedServer();

/** Every route of the server whose answers hold events, parts of them, or anything of no certain shape. */
async function eventRoutes(): Promise<readonly string[]> {
  const house = await testHouse({}, { sync: NOBODY_SYNCS });
  const found = house.routes
    .filter(({ method }) => method === 'GET' || method === 'POST')
    .filter(({ schema }) => mayHoldEvents(Object(schema?.response)['200']))
    .map(({ method, url }) => `${String(method)} ${url.replace(/^\/_matrix\/client(\/(v\d+|r0))?/, '')}`);
  return [...new Set(found)].sort();
}

function mayHoldEvents(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  const properties = Object.keys(Object(Reflect.get(schema, 'properties')));
  const isOpen = Reflect.get(schema, 'type') === 'object' && properties.length === 0;
  const isFree = isOpen && Reflect.get(schema, 'additionalProperties') === true;
  if (isFree || properties.includes('event_id') || 'patternProperties' in schema) return true;
  return Object.values(schema).some(mayHoldEvents);
}

describe('history visibility', () => {
  let viewer: Client;
  let all: readonly Scene[];
  before(async () => {
    viewer = await shared.user('viewer');
    all = await scenes(await shared.user('owner'), viewer);
  });

  it('is tried on every route by which an event can leave the server', async () => {
    const routes = await eventRoutes();
    assert.ok(routes.includes('GET /sync') && routes.includes('GET /rooms/:roomId/messages'), String(routes));
    const known = [...Object.keys(probes), ...Object.keys(WITHOUT_EVENTS)];
    assert.deepEqual(
      routes.filter((route) => !known.includes(route)),
      [],
      'routes that may return events and are not in test/integration/visibility/routes.ts',
    );
    assert.deepEqual(
      known.filter((route) => !routes.includes(route)),
      [],
      'entries without a route',
    );
  });

  for (const [route, probe] of Object.entries(probes))
    it(`holds on ${route}, whatever the setting and the reader’s past`, async () => {
      const wrong: string[] = [];
      for (const scene of all)
        wrong.push(...(await probe(viewer, scene)).map((one) => `${scene.name}: ${one}`));
      assert.deepEqual(wrong, [], 'CS API, Room history visibility, Server behaviour');
    });
});
