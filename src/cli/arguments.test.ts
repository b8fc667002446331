import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommand, UsageError } from './arguments.ts';
import { help } from './help.ts';

const common = { config: undefined, server: undefined };

test('every command of the help is understood', () => {
  const lines = [
    ['serve', { name: 'serve', roles: undefined }],
    ['status --json', { name: 'status', json: true }],
    ['user add alice --admin', { name: 'user add', user: 'alice', admin: true }],
    ['user list', { name: 'user list' }],
    ['user set-password alice', { name: 'user set-password', user: 'alice', keepDevices: false }],
    ['user deactivate @alice:example.org', { name: 'user deactivate', user: '@alice:example.org' }],
    ['rebuild sync timeline', { name: 'rebuild', models: ['sync', 'timeline'], outdated: false }],
    ['rebuild --outdated', { name: 'rebuild', models: [], outdated: true }],
    ['log export -', { name: 'log export', file: '-' }],
    ['log import a.log', { name: 'log import', file: 'a.log' }],
    ['config check', { name: 'config check' }],
  ] as const;
  for (const [line, expected] of lines) {
    assert.deepEqual(parseCommand(line.split(' ')), { ...common, ...expected }, line);
    assert.ok(help.includes(`milena ${expected.name}`), line);
  }
  assert.deepEqual(parseCommand(['config', 'example']), { name: 'config example' });
});

test('--config and --server go with every command, before or after it', () => {
  for (const line of ['--config a.yaml --server http://h:1 status', 'status -c a.yaml --server=http://h:1']) {
    assert.deepEqual(parseCommand(line.split(' ')), {
      name: 'status',
      json: false,
      config: 'a.yaml',
      server: 'http://h:1',
    });
  }
  assert.deepEqual(parseCommand(['serve', '--roles', 'api']), { ...common, name: 'serve', roles: 'api' });
});

test('nothing, help, --help and --version need no more', () => {
  for (const line of ['', 'help', '--help', '-h', 'serve --help']) {
    assert.deepEqual(parseCommand(line.split(' ').filter(Boolean)), { name: 'help' });
  }
  assert.deepEqual(parseCommand(['-v']), { name: 'version' });
});

test('what is not understood is refused with a reason', () => {
  const refused = [
    ['dance', /no command "dance"/],
    ['user', /no command "user"/],
    ['user add', /needs one NAME/],
    ['user add a b', /needs one NAME/],
    ['log export', /needs one FILE/],
    ['rebuild', /needs the names/],
    ['rebuild --outdated sync', /name no read models/],
    ['rebuild --outdated --server http://localhost:1', /does not go with --server/],
    ['status --outdated', /does not go with "status"/],
    ['serve now', /takes nothing more, not "now"/],
    ['serve --json', /--json does not go with "serve"/],
    ['status --admin', /--admin does not go with "status"/],
    ['status --loud', /--loud/],
    ['status --config', /--config/],
  ] as const;
  for (const [line, reason] of refused) {
    assert.throws(
      () => parseCommand(line.split(' ')),
      (error) => error instanceof UsageError && reason.test(error.message),
      line,
    );
  }
});
