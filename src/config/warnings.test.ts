import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';
import { configWarnings, isLoopback } from './warnings.ts';

function warningsFor(env: Record<string, string>): readonly string[] {
  return configWarnings(loadConfig({ env, isServerName: () => true }));
}

test('open registration on a public address warns, on this machine alone it does not', () => {
  assert.match(
    warningsFor({ MILENA_REGISTRATION: 'open', MILENA_BIND: '0.0.0.0' })[0] ?? '',
    /REGISTRATION IS OPEN/,
  );
  assert.match(
    warningsFor({ MILENA_REGISTRATION: 'open', MILENA_PUBLIC_URL: 'https://a.org' })[0] ?? '',
    /REGISTRATION IS OPEN/,
  );
  assert.deepEqual(warningsFor({ MILENA_REGISTRATION: 'open' }), []);
  assert.deepEqual(warningsFor({ MILENA_BIND: '0.0.0.0' }), []);
});

test('an internal listener open to a network and limits that are off warn', () => {
  assert.match(warningsFor({ MILENA_INTERNAL_BIND: '0.0.0.0:8009' })[0] ?? '', /internal listener/);
  assert.match(warningsFor({ MILENA_RATE_LIMITS: 'off', MILENA_BIND: '10.1.1.1' })[0] ?? '', /Rate limits/);
});

test('loopback is 127.0.0.0/8, ::1 and localhost', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', '::ffff:127.0.0.1']) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.example.org']) {
    assert.ok(!isLoopback(host), host);
  }
});
