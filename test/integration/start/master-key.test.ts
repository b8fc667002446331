import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../support/free-port.ts';
import { startPostgres } from '../../support/postgres.ts';
import { INTERNAL_SECRET } from '../../support/server.ts';
import { copyFolder, folderForTest, milena, serverIn, someHistory, wordsOf } from './a-server.ts';

const cases = [
  ['that is missing', undefined, /master\.key is missing, and this log has sealed content/],
  ['that did not seal the log', 'B'.repeat(43), /master\.key is not the key that sealed the content/],
] as const;

for (const [what, put, reason] of cases) {
  test(`a master key ${what} is refused at start with the way out, and nothing is changed`, async () => {
    await using folder = folderForTest();
    const server = await serverIn(folder);
    const room = await someHistory(server, ['kept']);
    await server.stop();
    const file = join(folder.path, 'data', 'master.key');
    const log = async () => (await milena(server.plan.env, ['log', 'export', '-'])).out;
    const before = await log();
    renameSync(file, join(folder.path, 'saved.key'));
    if (put !== undefined) writeFileSync(file, `${put}\n`, { mode: 0o600 });

    for (const command of [['serve'], ['user', 'list'], ['log', 'export', '-']]) {
      const { code, out, err } = await milena(server.plan.env, command);
      assert.deepEqual([code, out], [1, ''], command.join(' '));
      assert.match(err, reason);
      assert.match(
        err,
        /The way out: copy master\.key from the data folder that made the log, or from its backup/,
      );
      assert.doesNotMatch(err, /\n\s+at /, 'no stack');
    }
    if (put === undefined) assert.equal(existsSync(file), false, 'none is made');
    else assert.equal(readFileSync(file, 'utf8'), `${put}\n`);

    renameSync(join(folder.path, 'saved.key'), file);
    assert.equal(await log(), before);
    await server.start();
    assert.deepEqual(await wordsOf(server, room), ['kept']);
  });
}

test('a second node with a master key of its own is refused though nothing is sealed yet, and starts with the first one’s', async () => {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres());
  const folder = stack.use(folderForTest());
  const shared = {
    MILENA_POSTGRES_URL: await postgres.createDatabase('milena'),
    MILENA_INTERNAL_SECRET: INTERNAL_SECRET,
  };
  const settings = async () => ({ ...shared, MILENA_INTERNAL_BIND: `127.0.0.1:${await freePort()}` });
  const first = await serverIn(folder, 'first', await settings());
  const second = { ...first.plan.env, ...(await settings()), MILENA_DATA: join(folder.path, 'second') };
  const file = join(folder.path, 'second', 'master.key');
  const refused = async (reason: RegExp) => {
    const { code, err } = await milena(second, ['user', 'list']);
    assert.equal(code, 1, err);
    assert.match(err, reason);
  };
  await refused(/master\.key is missing, and another node has begun this log/);
  assert.equal(existsSync(file), false, 'none is made');
  writeFileSync(file, `${'B'.repeat(43)}\n`, { mode: 0o600 });
  await refused(/master\.key is not the key of the node that began this log/);
  for (const key of ['master.key', 'signing.key'])
    copyFolder(join(folder.path, 'first', key), join(folder.path, 'second', key));
  const { code, err } = await milena(second, ['user', 'list']);
  assert.equal(code, 0, err);
});
