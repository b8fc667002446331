import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import type { RouteOptions } from 'fastify';
import { testHouse } from './house.fixture.ts';

/** Every route of the public app, as it was added. */
async function routes(): Promise<readonly RouteOptions[]> {
  const house = await testHouse();
  return house.routes;
}

/** The places in a schema that would let anything through, as JSON pointers. */
function anyIn(schema: unknown, at = ''): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const isSchema = /(^|\/(properties\/[^/]+|items|\d+|patternProperties\/[^/]+))$/.test(at);
  const told = ['type', 'anyOf', 'allOf', 'const', 'enum', '$ref', 'not'].some((key) => key in schema);
  const here = isSchema && !told && !Array.isArray(schema) ? [at === '' ? '/' : at] : [];
  return [...here, ...Object.entries(schema).flatMap(([key, value]) => anyIn(value, `${at}/${key}`))];
}

describe('routes', () => {
  it('are many, and every one has a schema of what it answers', async () => {
    const all = await routes();
    assert.ok(all.length > 90, `${all.length} routes`);
    const without = all.filter(({ schema }) => Object.keys(Object(schema?.response)).length === 0);
    assert.deepEqual(without.map(name), []);
  });

  it('have a schema for each parameter of their path', async () => {
    const bad = (await routes()).filter(({ url, schema }) => {
      const named = [...url.matchAll(/:(\w+)/g)].map((match) => String(match[1]));
      const params: unknown = schema?.params;
      const known = typeof params === 'object' && params !== null ? Reflect.get(params, 'properties') : {};
      return named.some((parameter) => !(parameter in Object(known)));
    });
    assert.deepEqual(bad.map(name), []);
  });

  it('have a schema of the body wherever a client sends one', async () => {
    const none = new Set(['/logout', '/logout/all']);
    const bad = (await routes()).filter(
      ({ method, url, schema }) =>
        (method === 'POST' || method === 'PUT') &&
        schema?.body === undefined &&
        !none.has(url.replace(/^.*\/(v3|r0)/, '')),
    );
    assert.deepEqual(bad.map(name), []);
  });

  it('let nothing through unsaid: no schema is empty', async () => {
    const bad = (await routes()).flatMap((route) => {
      const { params, querystring, body, response } = route.schema ?? {};
      const schemas = [params, querystring, body, ...Object.values(Object(response))];
      return schemas
        .filter((schema) => schema !== undefined)
        .flatMap((schema) => anyIn(schema).map((at) => `${name(route)} ${at}`));
    });
    assert.deepEqual(bad, []);
  });

  it('say whether they need an access token', async () => {
    const bad = (await routes()).filter(
      ({ config }) => !['user', 'optional', 'none'].includes(String(config?.auth)),
    );
    assert.deepEqual(bad.map(name), []);
  });

  it('are endpoints of the spec, by method and path', (test) => {
    if (!existsSync(endpoints)) return test.skip(`${endpoints} is not there: set MILENA_SPEC_DIR`);
    return onlyOfTheSpec();
  });

  it('are found to be bad by this test when they are', () => {
    assert.deepEqual(anyIn({}), ['/']);
    assert.deepEqual(anyIn({ type: 'object', properties: { a: {} } }), ['/properties/a']);
    assert.deepEqual(anyIn({ type: 'array', items: {} }), ['/items']);
  });
});

const root = join(import.meta.dirname, '../..');
const endpoints = resolve(root, process.env['MILENA_SPEC_DIR'] ?? '../shared/spec', 'endpoints.tsv');

/** Our own pages, and the one endpoint that existing tools know without a spec. */
const BESIDE_THE_SPEC = ['/', '/_milena/live', '/_milena/ready', '/_synapse/admin/v1/register'];
/** In the spec's prose, but not among its definitions. */
const OF_THE_PROSE = /\/auth\/:type\/fallback\/web$|^\/_matrix\/static\/client\/login\/$/;

async function onlyOfTheSpec(): Promise<void> {
  const rows = readFileSync(endpoints, 'utf8').split('\n');
  const known = new Set(
    rows.map((row) => row.split('\t')).map(([, method, path]) => `${method} ${bare(String(path))}`),
  );
  const bad = (await routes())
    .filter(({ url }) => !BESIDE_THE_SPEC.includes(url) && !OF_THE_PROSE.test(url))
    .map((route) => `${String(route.method)} ${bare(route.url.replace('/r0/', '/v3/'))}`)
    // A state key may be left out of the path (spec: "Getting events for a room").
    .map((route) => route.replace(/\/state\/\*$/, '/state/*/*'))
    .filter((route) => !known.has(route));
  assert.deepEqual([...new Set(bad)], []);
}

/** A path with `*` for each parameter, whatever it is called, and no slash at its end. */
function bare(path: string): string {
  return path.replaceAll(/\{\w+\}|:\w+/g, '*').replace(/(.)\/$/, '$1');
}

function name({ method, url }: RouteOptions): string {
  return `${String(method)} ${url}`;
}
