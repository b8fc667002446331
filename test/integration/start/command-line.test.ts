import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { login } from '../../support/client.ts';
import { cleanEnvironment, LAUNCHER } from '../../support/milena-process.ts';
import { copyFolder, folderForTest, httpOf, milena, serverIn, someHistory, wordsOf } from './a-server.ts';

describe('every command works while the server runs and while it is stopped', () => {
  for (const running of [true, false]) {
    test(running ? 'running: no owner is fenced' : 'stopped', async () => {
      await using folder = folderForTest();
      const server = await serverIn(folder);
      const { env } = server.plan;
      await someHistory(server, ['hello']);
      const before = await milena(env, ['status', '--json']);
      if (!running) await server.stop();

      const added = await milena(env, ['user', 'add', 'bob', '--admin'], 'bobs first password\n');
      assert.deepEqual(
        [added.code, added.out],
        [0, '@bob:localhost is made, an administrator.\n'],
        added.err,
      );
      const twice = await milena(env, ['user', 'add', 'bob'], 'another\n');
      assert.equal(twice.code, 1);
      assert.match(twice.err, /taken/);
      const nobody = await milena(env, ['user', 'set-password', 'nobody'], 'a password\n');
      assert.deepEqual([nobody.code, nobody.err], [1, 'milena: There is no user @nobody:localhost.\n']);
      const listed = await milena(env, ['user', 'list']);
      assert.match(listed.out, /^@alice:localhost +20\d\d-\d\d-\d\d$/m);
      assert.match(listed.out, /^@bob:localhost +20\d\d-\d\d-\d\d +admin$/m);
      const changed = await milena(env, ['user', 'set-password', 'bob'], 'bobs second password\n');
      assert.equal(changed.code, 0, changed.err);
      const rebuilt = await milena(env, ['rebuild', 'timeline']);
      assert.equal(rebuilt.code, 0, rebuilt.err);
      const exported = await milena(env, ['log', 'export', join(folder.path, 'milena.log')]);
      assert.equal(exported.code, 0, exported.err);
      assert.equal(statSync(join(folder.path, 'milena.log')).mode & 0o077, 0);
      const status = await milena(env, ['status']);
      assert.equal(status.code, 0, status.out + status.err);
      for (const model of ['room_state', 'timeline', 'sync', 'accounts', 'directory']) {
        assert.match(status.out, new RegExp(`^${model} +following +\\d+ +\\d+\\.\\d +0$`, 'm'));
      }

      if (running) assert.deepEqual(epochs(await milena(env, ['status', '--json'])), epochs(before));
      else await server.start();
      const http = httpOf(server);
      await login(http, 'bob', 'bobs second password');
      await assert.rejects(login(http, 'bob', 'bobs first password'), /403/);
      const deactivated = await milena(env, ['user', 'deactivate', 'bob']);
      assert.equal(deactivated.code, 0, deactivated.err);
      await assert.rejects(login(http, 'bob', 'bobs second password'), /403/);
      http.close();
      await server.stop();
    });
  }
});

/** Who owns which slot, with the epoch that a new claim would change. */
function epochs({ out }: { readonly out: string }): unknown {
  const status: unknown = JSON.parse(out);
  assert.ok(typeof status === 'object' && status !== null && 'slots' in status);
  return status.slots;
}

type Environment = Readonly<Record<string, string>>;

/** The settings of a server in a new folder that has the keys of an old one, as docs/operate.md says. */
function withKeysOf(folder: string, old: string, name: string, env: Environment): Environment {
  const data = join(folder, name);
  mkdirSync(data, { mode: 0o700 });
  for (const key of ['master.key', 'signing.key']) copyFolder(join(folder, old, key), join(data, key));
  return { ...env, MILENA_DATA: data };
}

test('a log goes from one folder to another and serves the same there', async () => {
  await using folder = folderForTest();
  const old = await serverIn(folder, 'old');
  const room = await someHistory(old, ['one', 'two', 'three']);
  const file = join(folder.path, 'milena.log');
  assert.equal((await milena(old.plan.env, ['log', 'export', file])).code, 0);
  await old.stop();

  const env = withKeysOf(folder.path, 'old', 'new', old.plan.env);
  const imported = await milena(env, ['log', 'import', file]);
  assert.match(imported.err, /^[1-9]\d* records read/m, imported.err);
  const server = await serverIn(folder, 'new');
  assert.deepEqual(await wordsOf(server, room), ['one', 'two', 'three']);

  const again = await milena(server.plan.env, ['log', 'import', file]);
  assert.equal(again.code, 1, 'a log that has records takes no import');
  assert.deepEqual(await wordsOf(server, room), ['one', 'two', 'three']);
});

test('a folder whose import failed serves nothing, and a new one takes the whole export', async () => {
  await using folder = folderForTest();
  const old = await serverIn(folder, 'old');
  const room = await someHistory(old, ['one', 'two']);
  const file = join(folder.path, 'milena.log');
  assert.equal((await milena(old.plan.env, ['log', 'export', file])).code, 0);
  await old.stop();
  const lines = readFileSync(file, 'utf8').split('\n');
  const cut = join(folder.path, 'cut.log');
  writeFileSync(cut, `${lines.slice(0, -10).join('\n')}\n`);

  const env = withKeysOf(folder.path, 'old', 'half', old.plan.env);
  const failed = await milena(env, ['log', 'import', cut]);
  assert.equal(failed.code, 1);
  assert.match(failed.err, /not whole/);
  const commands = ['user list', 'status', 'rebuild timeline', `log import ${file}`, 'serve'];
  for (const command of [...commands, `log export ${join(folder.path, 'half.log')}`]) {
    const refused = await milena(env, command.split(' '));
    assert.equal(refused.code, 1, `${command}: ${refused.out}`);
    assert.match(refused.err, /import into this log.*The way out:.*import again into a new one/s, command);
  }
  assert.equal(existsSync(join(folder.path, 'half.log')), false);

  const whole = await milena(withKeysOf(folder.path, 'old', 'new', old.plan.env), ['log', 'import', file]);
  assert.equal(whole.code, 0, whole.err);
  assert.deepEqual(await wordsOf(await serverIn(folder, 'new'), room), ['one', 'two']);
});

test('the log of one server is not imported for another', async () => {
  await using folder = folderForTest();
  const old = await serverIn(folder, 'old', { MILENA_SERVER_NAME: 'a.example' });
  const room = await someHistory(old, ['one']);
  const file = join(folder.path, 'milena.log');
  assert.equal((await milena(old.plan.env, ['log', 'export', file])).code, 0);
  await old.stop();

  const env = withKeysOf(folder.path, 'old', 'other', old.plan.env);
  const refused = await milena({ ...env, MILENA_SERVER_NAME: 'b.example' }, ['log', 'import', file]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /"a\.example".*"b\.example".*MILENA_SERVER_NAME=a\.example/);
  const named = withKeysOf(folder.path, 'old', 'new', old.plan.env);
  const imported = await milena(named, ['log', 'import', file]);
  assert.equal(imported.code, 0, imported.err);
  const server = await serverIn(folder, 'new', { MILENA_SERVER_NAME: 'a.example' });
  assert.deepEqual(await wordsOf(server, room), ['one']);
});

test('a server that runs takes no import, even while its log is empty', async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder);
  const file = join(folder.path, 'milena.log');
  assert.equal((await milena(server.plan.env, ['log', 'export', file])).code, 0);
  const refused = await milena(server.plan.env, ['log', 'import', file]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /server runs.*stop it/i);
  await someHistory(server, ['one']);
  await server.stop();
  await server.start();
});

test('a copy of the stopped folder is a backup', async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder);
  const room = await someHistory(server, ['before']);
  await server.stop();
  copyFolder(join(folder.path, 'data'), join(folder.path, 'backup'));
  await server.start();
  await server.stop();
  const restored = await serverIn(folder, 'backup');
  assert.deepEqual(await wordsOf(restored, room), ['before']);
});

test('an export that fails leaves no file', async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder);
  const file = join(folder.path, 'nowhere', 'milena.log');
  assert.equal((await milena(server.plan.env, ['log', 'export', file])).code, 1);
  assert.equal(existsSync(`${file}.partial`), false);
  await server.stop();
});

const noTerminal =
  spawnSync('script', ['--version']).status === 0 ? false : 'the program "script" is not here';

test('a password typed on a terminal is not shown', { skip: noTerminal }, async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder);
  const typed = 'typed without echo';
  const command = `${process.execPath} ${LAUNCHER} user add carol`;
  // The typing waits for each question, as people do: what comes before it would be shown by the terminal.
  const keys = `sleep 2; printf '%s\\r' '${typed}'; sleep 1; printf '%s\\r' '${typed}'; sleep 3`;
  const { stdout } = spawnSync(
    'sh',
    ['-c', `(${keys}) | script -qec '${command}' ${join(folder.path, 'typescript')}`],
    {
      encoding: 'utf8',
      env: { ...cleanEnvironment(), ...server.plan.env },
    },
  );
  assert.match(stdout, /Password for carol: \s+Once more: \s+@carol:localhost is made/);
  assert.doesNotMatch(stdout, /typed without/);
  assert.doesNotMatch(readFileSync(join(folder.path, 'typescript'), 'utf8'), /typed without/);
  const http = httpOf(server);
  await login(http, 'carol', typed);
  http.close();
});

test('a password that is typed differently the second time makes no user', { skip: noTerminal }, async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder);
  const command = `${process.execPath} ${LAUNCHER} user add dora`;
  const keys = `sleep 2; printf 'first password\\r'; sleep 1; printf 'second password\\r'; sleep 1`;
  const { stdout } = spawnSync('sh', ['-c', `(${keys}) | script -qec '${command}' /dev/null`], {
    encoding: 'utf8',
    env: { ...cleanEnvironment(), ...server.plan.env },
  });
  assert.match(stdout, /the two passwords differ/);
  assert.doesNotMatch((await milena(server.plan.env, ['user', 'list'])).out, /dora/);
});

test('config check says that a file is valid, and otherwise each error with its key and place', async () => {
  await using folder = folderForTest();
  const file = join(folder.path, 'milena.yaml');
  const check = (env: Readonly<Record<string, string>> = {}) =>
    milena({ MILENA_DATA: join(folder.path, 'data'), ...env }, ['config', 'check', '--config', file]);

  writeFileSync(file, 'server_name: a.org\nport: 8008\n');
  assert.deepEqual(await check(), { code: 0, out: 'The configuration is valid.\n', err: '' });
  writeFileSync(file, 'server_name: a.org\nregistration: open\nbind: 0.0.0.0\n');
  const warned = await check();
  assert.deepEqual([warned.code, warned.out], [0, 'The configuration is valid.\n']);
  assert.match(warned.err, /^Warning: REGISTRATION IS OPEN on 0\.0\.0\.0/m);

  writeFileSync(file, 'server_name: a.org\nport: high\nbnid: 127.0.0.1\n');
  const wrong = await check();
  assert.deepEqual([wrong.code, wrong.out], [1, '']);
  assert.match(wrong.err, /milena\.yaml:2:7: port: expected a whole number/);
  assert.match(wrong.err, /milena\.yaml:3:1: bnid: .*bind/);
  assert.doesNotMatch(wrong.err, /\n\s+at /, 'no stack');

  writeFileSync(file, 'server_name: a.org\n');
  const environment = await check({ MILENA_PORT: 'low' });
  assert.deepEqual([environment.code, environment.out], [1, '']);
  assert.match(environment.err, /MILENA_PORT: expected a whole number/);
  const missing = await milena({}, ['config', 'check', '--config', join(folder.path, 'nowhere.yaml')]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nowhere\.yaml/);
  assert.deepEqual(readdirSync(folder.path), ['milena.yaml'], 'a check makes nothing');
});
