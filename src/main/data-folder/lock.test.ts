import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isMilenaError } from '../../errors/milena-error.ts';
import { holderOf, lockDataFolder } from './lock.ts';

const base = await mkdtemp(join(tmpdir(), 'milena-lock-'));
after(() => rmSync(base, { recursive: true }));
const fresh = (): Promise<string> => mkdtemp(join(base, 'data-'));

/** Another process that takes the lock and tells what became of it. */
async function contender(folder: string) {
  const code = `
    const { lockDataFolder } = await import(${JSON.stringify(new URL('lock.ts', import.meta.url).href)});
    const lock = await lockDataFolder(${JSON.stringify(folder)}, 'serve').catch((error) => error.message);
    if (typeof lock !== 'string') await lock.setAddress('http://127.0.0.1:8008');
    console.log(typeof lock === 'string' ? lock : 'locked');
    setTimeout(() => undefined, typeof lock === 'string' ? 0 : 30_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}

test('a second start is told who holds the folder, since when, and where it listens', async () => {
  const folder = await fresh();
  const { child, said } = await contender(folder);
  assert.equal(said, 'locked');
  await assert.rejects(lockDataFolder(folder, 'serve'), (error) => {
    assert.ok(isMilenaError(error, 'DATA_HELD'));
    assert.match(
      error.message,
      new RegExp(`held by process ${child.pid} \\(milena serve\\) since 20\\d\\d-`),
    );
    assert.match(error.message, /listening on http:\/\/127\.0\.0\.1:8008/);
    return true;
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('a lock left by SIGKILL is cleared', async () => {
  const folder = await fresh();
  const { child } = await contender(folder);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await holderOf(folder), undefined);
  await using lock = await lockDataFolder(folder, 'serve');
  assert.ok(lock);
  assert.equal((await holderOf(folder))?.pid, process.pid);
});

test('a lock whose process number went to another process is cleared', async () => {
  const folder = await fresh();
  {
    await using lock = await lockDataFolder(folder, 'serve');
    assert.ok(lock);
    const text = readFileSync(join(folder, 'lock'), 'utf8');
    writeFileSync(join(folder, 'lock'), text.replace(/"startTime": \d+/, '"startTime": 7'));
  }
  await using lock = await lockDataFolder(folder, 'log export');
  assert.ok(lock);
});

test('of several that clear a stale lock at once, one gets it', async () => {
  const folder = await fresh();
  writeFileSync(join(folder, 'lock'), 'half a lo');
  const contenders = await Promise.all([contender(folder), contender(folder), contender(folder)]);
  const locked = contenders.filter(({ said }) => said === 'locked');
  assert.equal(locked.length, 1, contenders.map(({ said }) => said).join('\n'));
  for (const { child } of contenders) child.kill('SIGKILL');
});

test('a lock of another container holds as long as someone touches it', async () => {
  const folder = await fresh();
  await using lock = await lockDataFolder(folder, 'serve');
  const path = join(folder, 'lock');
  const foreign = readFileSync(path, 'utf8').replace(/"realm": ".*"/, '"realm": "another container"');
  writeFileSync(path, foreign);
  // This process's lock goes on touching the file, as the other container's would.
  await assert.rejects(lockDataFolder(folder, 'serve'), (error) => isMilenaError(error, 'DATA_HELD'));
  await lock.release();
  assert.equal(readFileSync(path, 'utf8'), foreign, 'a lock that is not ours is left alone');
  await using taken = await lockDataFolder(folder, 'serve');
  assert.ok(taken);
});

test('a released lock leaves nothing behind', async () => {
  const folder = await fresh();
  const lock = await lockDataFolder(folder, 'serve');
  await lock.setAddress('http://127.0.0.1:1');
  await lock.release();
  assert.deepEqual(readdirSync(folder), []);
});
