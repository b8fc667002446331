import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { isMilenaError } from '../errors/milena-error.ts';
import type { Config } from './config.ts';
import { exampleYaml } from './example.ts';
import { envName, keys } from './keys.ts';
import { loadConfig } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'milena-config-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'milena.yaml');

const isServerName = (text: string): boolean => /^[a-z.:0-9]+$/.test(text);

function load(yaml: string | undefined, env: Record<string, string> = {}): Config {
  if (yaml !== undefined) writeFileSync(file, yaml);
  return loadConfig({ file: yaml === undefined ? undefined : file, env, isServerName });
}

function problemsOf(yaml: string | undefined, env: Record<string, string> = {}): string[] {
  try {
    load(yaml, env);
  } catch (error) {
    assert.ok(isMilenaError(error, 'BAD_CONFIG'), String(error));
    return error.message.split('\n').map((line) => line.replace(file, 'F'));
  }
  return [];
}

test('without a file and an environment all defaults are in force', () => {
  const config = load(undefined);
  assert.equal(config.serverName, 'localhost');
  assert.equal(config.data, resolve('data'));
  assert.equal(config.publicUrl, 'http://127.0.0.1:8008');
  assert.equal(config.defaultRoomVersion, '12');
  assert.equal(config.registration, 'closed');
  assert.equal(config.slots, 8);
  assert.deepEqual(config.internalBind, { host: '127.0.0.1', port: 0 });
  assert.deepEqual(config.roles, ['api', 'owner', 'projector', 'manager']);
  assert.deepEqual(config.rateLoginAccount, { count: 10, perMs: 60_000 });
});

test('every key without a value of its own is one that may be undefined', () => {
  const config = load(undefined);
  const missing = Object.entries(config).filter(([, value]) => value === undefined);
  assert.deepEqual(
    missing.map(([name]) => name),
    [
      'recaptchaSiteKey',
      'recaptchaSecretKey',
      'registrationSharedSecret',
      'postgresUrl',
      'internalSecret',
      'supportPage',
    ],
  );
});

test('the documented example has every key and says the defaults', () => {
  const example = exampleYaml();
  assert.deepEqual(load(example), load(undefined));
  for (const key of Object.values(keys)) {
    assert.match(example, new RegExp(`^(# )?${key.name}: .`, 'm'), key.name);
    assert.ok(example.includes(`# ${envName(key.name)}`), key.name);
  }
});

test('the samples of the example would be accepted', () => {
  const example = exampleYaml().replaceAll(/^# ([a-z_]+: )/gm, '$1');
  assert.deepEqual(
    problemsOf(example.replace('log: postgres', 'log: kafka')).filter((line) => !line.includes('given too')),
    [],
  );
});

test('docs/milena.example.yaml is what the generator writes', () => {
  const path = new URL('../../docs/milena.example.yaml', import.meta.url);
  assert.equal(readFileSync(path, 'utf8'), exampleYaml());
});

test('the names that are a contract exist in the environment', () => {
  const contract = [
    ...['SERVER_NAME', 'DATA', 'BIND', 'PORT', 'PUBLIC_URL', 'TRUSTED_PROXIES', 'REGISTRATION'],
    ...['REGISTRATION_SHARED_SECRET', 'RATE_LIMITS', 'LOG', 'KAFKA_BROKERS', 'KAFKA_PREFIX'],
    ...['POSTGRES_URL', 'INTERNAL_BIND', 'INTERNAL_SECRET', 'DEFAULT_ROOM_VERSION', 'LOG_LEVEL'],
  ].map((name) => `MILENA_${name}`);
  const names = new Set(Object.values(keys).map((key) => envName(key.name)));
  assert.deepEqual(
    contract.filter((name) => !names.has(name)),
    [],
  );
});

test('the environment stands above the file', () => {
  const config = load('port: 1234\nserver_name: file.org\n', { MILENA_PORT: '4321' });
  assert.equal(config.port, 4321);
  assert.equal(config.serverName, 'file.org');
});

test('an error names the key, the line and the column', () => {
  assert.deepEqual(problemsOf('server_name: a.org\n\nport: many\n'), [
    'F:3:7: port: expected a whole number from 0 to 65535, not "many"',
  ]);
});

test('all errors are told at once', () => {
  const problems = problemsOf('port: x\nbind: ""\nlog_level: loud\nrate_limits: [on, off]\ndata: {a: 1}\n');
  assert.deepEqual(
    problems.map((line) => line.split(' ', 2).join(' ')),
    ['F:5:7: data:', 'F:2:7: bind:', 'F:1:7: port:', 'F:4:14: rate_limits:', 'F:3:12: log_level:'],
  );
});

test('a key that does not exist is refused, with the one that was meant', () => {
  assert.deepEqual(problemsOf('sever_name: a.org\n'), [
    'F:1:1: sever_name: there is no such key; did you mean "server_name"?',
  ]);
  assert.deepEqual(problemsOf('port_file: a\n'), ['F:1:1: port_file: there is no such key']);
});

test('broken YAML and a key given twice are refused with their place', () => {
  assert.match(problemsOf('port: 1\nport: 2\n')[0] ?? '', /^F:2:1: /);
  assert.match(problemsOf('port: [1\n')[0] ?? '', /^F:\d+:\d+: /);
  assert.deepEqual(problemsOf('just words\n'), ['F:1:1: expected "key: value" lines']);
});

test('a file that is not there is an error, an empty one is not', () => {
  assert.throws(
    () => loadConfig({ file: join(folder, 'none.yaml'), env: {}, isServerName }),
    (error) => isMilenaError(error, 'BAD_CONFIG') && error.message.includes('none.yaml: cannot be read'),
  );
  assert.equal(load('# nothing\n').port, 8008);
});

test('every key refuses nonsense from the environment by its name', () => {
  // Keys of free text take anything that is not empty.
  const free = new Set(['data', 'bind', 'signing_key']);
  for (const key of Object.values(keys)) {
    if (free.has(key.name)) continue;
    const name = envName(key.name);
    assert.match(problemsOf(undefined, { [name]: '\u0000 ?' })[0] ?? '(accepted)', new RegExp(`^${name}: `));
  }
});

test('what is not built is refused with that reason', () => {
  assert.match(problemsOf('log: eventstore')[0] ?? '', /"eventstore" is not built yet/);
  assert.match(problemsOf('default_room_version: 13')[0] ?? '', /expected "1", .* or "12", not "13"/);
});

test('a secret may come from a file; given twice in one source it is refused; it is never printed', () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'sixteen-letters-or-more\n');
  assert.equal(load(`internal_secret_file: ${secret}`).internalSecret, 'sixteen-letters-or-more');
  const env = { MILENA_INTERNAL_SECRET_FILE: secret };
  assert.equal(
    load('internal_secret: another-secret-of-mine', env).internalSecret,
    'sixteen-letters-or-more',
  );
  const both = problemsOf(undefined, { ...env, MILENA_INTERNAL_SECRET: 'another-secret-of-mine' });
  assert.match(both[0] ?? '', /^MILENA_INTERNAL_SECRET_FILE: internal_secret is given too/);
  const problems = [
    ...problemsOf('internal_secret: tooshort'),
    ...problemsOf('postgres_url: mysql://u:hunter2@h/d'),
  ];
  assert.equal(problems.length, 2);
  assert.doesNotMatch(problems.join(), /tooshort|hunter2/);
  assert.match(problemsOf(`internal_secret_file: ${folder}/none`)[0] ?? '', /cannot be read/);
});

test('keys that do not fit together are refused', () => {
  assert.match(problemsOf('log: kafka')[0] ?? '', /^kafka_brokers: /);
  assert.match(problemsOf('kafka_brokers: [a:1]')[0] ?? '', /^kafka_brokers: /);
  assert.match(problemsOf('roles: [api]')[0] ?? '', /^roles: .*postgres_url/);
  assert.deepEqual(problemsOf('roles: [api]\npostgres_url: postgres://h/d'), []);
  assert.equal(load('log: kafka\nkafka_brokers: ["a:1", "b:2"]').slots, 64);
});

test('numbers, lists and texts may be quoted or not', () => {
  const config = load(
    'port: "80"\ndefault_room_version: "11"\ntrusted_proxies: [127.0.0.1, "::1", 10.0.0.0/8]\n',
  );
  assert.equal(config.port, 80);
  assert.equal(config.defaultRoomVersion, '11');
  assert.deepEqual(config.trustedProxies, ['127.0.0.1', '::1', '10.0.0.0/8']);
  assert.deepEqual(load(undefined, { MILENA_TRUSTED_PROXIES: '127.0.0.1, ::1' }).trustedProxies, [
    '127.0.0.1',
    '::1',
  ]);
});

test('the public URL loses its trailing slash, and an IPv6 bind gets its brackets', () => {
  assert.equal(load('public_url: https://a.org/').publicUrl, 'https://a.org');
  assert.equal(load('bind: "::1"').publicUrl, 'http://[::1]:8008');
});
