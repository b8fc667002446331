import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Client } from '../support/client.ts';
import { expectStandardError } from '../support/expect.ts';
import type { Answer, Ask } from '../support/http.ts';
import { sharedServer } from '../support/shared-server.ts';
import { exportedRecords } from './exported-records.ts';
import {
  fill,
  notCanonical,
  notJson,
  notObject,
  notUtf8,
  parameterNames,
  wrongParameter,
  wrongType,
} from './malformed-values.ts';
import { type ServedRoute, servedRoutes } from './served-routes.ts';

/** How many requests a property makes of each route. */
const RUNS = Number(process.env['MALFORMED_RUNS'] ?? 25);
/** Where the spec lies; the list of endpoints is compared with it where it is there. */
const SPEC = process.env['MILENA_SPEC_DIR'] ?? '../shared/spec';

const shared = sharedServer();
let user: Client;
/** Records by topic before the first malformed request; undefined where the server cannot be asked. */
let records: ReadonlyMap<string, number> | undefined;

/** Named in a failure: the property, the route, and what the spec says. */
const because = (property: string, route: ServedRoute): string =>
  `CS API, Standard error response; ${property}; ${route.method} ${route.path}`;

/** Every route that `suits`, each held against the property. */
async function everyRoute(
  property: string,
  suits: (route: ServedRoute) => boolean,
  arbitrary: (route: ServedRoute) => fc.Arbitrary<readonly [string, Ask]> | undefined,
  status?: readonly number[],
  numRuns = RUNS,
): Promise<void> {
  const failures: string[] = [];
  for (const route of servedRoutes.filter(suits)) {
    const requests = arbitrary(route);
    if (requests === undefined) continue;
    const checked = fc.asyncProperty(requests, async ([path, ask]) => {
      const answer = await request(route, path, ask);
      const section = because(property, route);
      expectStandardError(answer, section);
      if (status !== undefined)
        assert.ok(
          status.includes(answer.status),
          `${section}: ${status.join(' or ')}, got ${answer.status} ${answer.text}`,
        );
    });
    await fc
      .assert(checked, { numRuns })
      .catch((error: unknown) => failures.push(String(error).slice(0, 900)));
  }
  assert.equal(failures.length, 0, `${failures.length} routes:\n\n${failures.join('\n\n')}`);
}

function request(route: ServedRoute, path: string, ask: Ask): Promise<Answer> {
  return shared.http.ask(route.method, path, { ...(route.token ? { token: user.token } : {}), ...ask });
}

const takesBody = (route: ServedRoute): boolean => route.body !== undefined || route.content === true;

/** The path filled so that the body is looked at: the user's own ID where one is asked for. */
const own = (route: ServedRoute): string => fill(route.path, { userId: encodeURIComponent(user.userId) });

describe('a malformed request gets a standard error and leaves nothing on the log', () => {
  before(async () => {
    user = await shared.user('malformed');
    records = await exportedRecords(shared);
  });

  it('a body that is no JSON is refused with 400', () =>
    everyRoute(
      'a body that is no JSON',
      takesBody,
      (route) => notJson.map((raw) => [own(route), { raw }]),
      [400],
    ));

  it('a body that is no UTF-8 is refused with 400', () =>
    everyRoute(
      'a body that is no UTF-8',
      takesBody,
      (route) => notUtf8.map((raw) => [own(route), { raw }]),
      [400],
    ));

  it('a body that is JSON but no object is refused with 400', () =>
    everyRoute(
      'a body that is no object',
      takesBody,
      (route) => notObject.map((raw) => [own(route), { raw }]),
      [400],
    ));

  it('a property of the wrong type is refused', () =>
    everyRoute(
      'a property of the wrong type',
      (route) => route.body !== undefined,
      (route) => wrongType(route)?.map((raw) => [own(route), { raw }]),
    ));

  it('content that canonical JSON has no place for is refused', () =>
    everyRoute(
      'content that is not canonical',
      (route) => route.content === true && route.path.includes('/rooms/{roomId}/s'),
      (route) => notCanonical.map((raw) => [own(route), { raw }]),
    ));

  it('nesting that is thousands deep ends no process', () =>
    everyRoute('deep nesting', takesBody, (route) =>
      fc.constantFrom(5000, 100_000).map((depth) => [own(route), { raw: `{"a":${'['.repeat(depth)}` }]),
    ));

  it('a path parameter that is none is refused', () =>
    everyRoute(
      'a path parameter that is none',
      (route) => parameterNames(route.path).length > 0,
      (route) =>
        fc.constantFrom(...parameterNames(route.path)).chain((name) =>
          wrongParameter(name).map((value): readonly [string, Ask] => {
            const body = takesBody(route) ? { json: {} } : {};
            const whole = { userId: encodeURIComponent(user.userId), [name]: value };
            return [fill(route.path, whole), body];
          }),
        ),
    ));

  it('a query parameter that is none is refused', () =>
    everyRoute(
      'a query parameter that is none',
      (route) => route.wrongQuery !== undefined,
      (route) =>
        fc.constantFrom(...Object.entries(route.wrongQuery ?? {})).chain(([name, wrong]) =>
          fc.constantFrom(...wrong).map((value): readonly [string, Ask] => {
            const rest = name === 'dir' || !route.path.endsWith('/messages') ? '' : '&dir=b';
            const text = value.includes('%') ? value : encodeURIComponent(value);
            return [`${own(route)}?${name}=${text}${rest}`, takesBody(route) ? { json: {} } : {}];
          }),
        ),
    ));

  it('a token that is none is refused with 401', () =>
    everyRoute(
      'a token that is none',
      (route) => route.token,
      (route) =>
        fc
          .constantFrom(
            'Bearer',
            'Bearer ',
            'Bearer x',
            'Basic eDp4',
            'bearer',
            `Bearer ${'x'.repeat(4000)}`,
            'Bearer a b',
          )
          .map((authorization): readonly [string, Ask] => [
            own(route),
            { token: undefined, headers: { authorization }, ...(takesBody(route) ? { json: {} } : {}) },
          ]),
      [401],
    ));

  it('a body larger than the server takes is refused with 413 M_TOO_LARGE', () =>
    everyRoute(
      'a body of two megabytes',
      takesBody,
      (route) => fc.constant([own(route), { raw: JSON.stringify({ a: 'x'.repeat(2_000_000) }) }] as const),
      [413],
      1,
    ));

  it('every endpoint of the spec is served and listed here, or unknown: 404 M_UNRECOGNIZED', async (t) => {
    const known = new Set(servedRoutes.map((route) => `${route.method} ${route.path}`));
    let lines: readonly string[];
    try {
      lines = readFileSync(`${SPEC}/endpoints.tsv`, 'utf8').split('\n').slice(1);
    } catch {
      t.skip(`no endpoints.tsv in ${SPEC} (MILENA_SPEC_DIR)`);
      return;
    }
    for (const line of lines) {
      const [api, method = '', path = ''] = line.split('\t').map((cell) => cell.trim());
      if (api !== 'cs' || known.has(`${method} ${path}`)) continue;
      const answer = await shared.http.ask(method, fill(path, {}), method === 'GET' ? {} : { json: {} });
      const unknown = answer.status === 404 || answer.status === 405;
      assert.ok(
        unknown && answer.text.includes('M_UNRECOGNIZED'),
        `${method} ${path} is served but not in served-routes.ts: ${answer.status} ${answer.text.slice(0, 200)}`,
      );
    }
  });

  it('every listed endpoint is served', async () => {
    for (const route of servedRoutes) {
      const answer = await shared.http.ask(
        route.method,
        fill(route.path, {}),
        takesBody(route) ? { raw: '{' } : {},
      );
      assert.ok(
        !answer.text.includes('M_UNRECOGNIZED'),
        `${route.method} ${route.path} should be served: ${answer.status} ${answer.text.slice(0, 200)}`,
      );
    }
  });

  after(async () => {
    const now = await exportedRecords(shared);
    assert.deepEqual(
      now,
      records,
      'nothing may be on the log that was not there before the malformed requests',
    );
  });
});
