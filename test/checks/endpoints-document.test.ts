import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { servedRoutes } from '../integration/served-routes.ts';
import { endpointsDocument, endpointsFile } from './endpoints-document.ts';

test('docs/endpoints.md names every operation of the spec and says truly whether it is built', async (t) => {
  const document = await endpointsDocument();
  if (document === undefined) return t.skip('the spec folder is not there (MILENA_SPEC_DIR)');
  assert.equal(readFileSync(endpointsFile, 'utf8'), document);
});

test('no endpoint that a running server serves is said to be missing', () => {
  const document = readFileSync(endpointsFile, 'utf8');
  // Another test holds this list against a running server.
  const missing = servedRoutes.filter(({ method, path }) =>
    document.includes(`| ${method} | \`${path}\` | not yet |`),
  );
  assert.deepEqual(missing, []);
});
