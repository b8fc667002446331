import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { cp, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isMilenaError } from '../../../src/errors/milena-error.ts';
import { isAlive } from '../../../src/main/data-folder/process-identity.ts';
import { startEmbeddedPostgres } from '../../../src/main/embedded-postgres/start.ts';

const base = await mkdtemp(join(tmpdir(), 'milena-pg-'));
after(() => rmSync(base, { recursive: true, force: true }));

const isRoot = process.geteuid?.() === 0;
/** One data folder made anew; the tests go on with copies of it, since initdb takes most of a second. */
const made = join(base, 'made');

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function copyOfMade(name: string): Promise<string> {
  const folder = join(base, name);
  // `cp -a` keeps the owner, which Postgres insists on.
  assert.equal(spawnSync('cp', ['-a', made, folder]).status, 0);
  return folder;
}

/** A process that starts Postgres in the folder and then waits; what it prints is Postgres's process number. */
async function starter(folder: string): Promise<{ child: ChildProcess; postgres: number }> {
  const module = new URL('../../../src/main/embedded-postgres/start.ts', import.meta.url).href;
  const code = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const postgres = await startEmbeddedPostgres({ folder: ${JSON.stringify(folder)} });
    console.log(postgres.pid);
    setTimeout(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // The cast: a pipe's data are buffers.
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, postgres: Number(line.toString()) };
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 500 && isAlive(pid); tries += 1) await sleep(10);
  return !isAlive(pid);
}

test('a first start makes a database that is durable, sorts by code point and takes no network connection', async () => {
  await mkdir(made, { mode: 0o700 });
  await using postgres = await startEmbeddedPostgres({ folder: made });
  assert.equal(postgres.isNew, true);
  const settings = await ask(
    postgres.url,
    `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses')`,
  );
  assert.deepEqual(Object.fromEntries(settings.map((row) => [row['name'], row['setting']])), {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    listen_addresses: '',
  });
  const sorted = await ask(
    postgres.url,
    `SELECT string_agg(x, '' ORDER BY x) AS s FROM unnest('{b,B,a,ä,Z}'::text[]) x`,
  );
  assert.deepEqual(sorted, [{ s: 'BZabä' }]);
  await ask(postgres.url, 'CREATE EXTENSION pg_trgm');
  await ask(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  assert.equal(statSync(join(made, 'postgres')).mode & 0o077, 0);
});

test('a second start finds its data and takes less than a second', async () => {
  const begun = performance.now();
  await using postgres = await startEmbeddedPostgres({ folder: made });
  assert.ok(performance.now() - begun < 1000, `${performance.now() - begun} ms`);
  assert.equal(postgres.isNew, false);
  assert.deepEqual(await ask(postgres.url, 'SELECT answer FROM kept'), [{ answer: 42 }]);
});

test('without the password nobody gets in, though they reach the socket', async () => {
  await using postgres = await startEmbeddedPostgres({ folder: made });
  await assert.rejects(
    ask(postgres.url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1'),
    /password authentication failed/,
  );
});

test('a stop leaves no process, no socket and no lock', async () => {
  const folder = await copyOfMade('stopped');
  const postgres = await startEmbeddedPostgres({ folder });
  await postgres.stop();
  await postgres.stop();
  assert.equal(await gone(postgres.pid), true);
  assert.equal(await postgres.ended, undefined);
  const left = readdirSync(join(folder, 'postgres')).filter((name) =>
    /^\.s\.PGSQL|postmaster\.pid/.test(name),
  );
  assert.deepEqual(left, []);
});

test('after SIGKILL of Milena its Postgres ends by itself', async () => {
  const folder = await copyOfMade('killed');
  const { child, postgres } = await starter(folder);
  child.kill('SIGKILL');
  assert.equal(await gone(postgres), true);
});

test('a start right after SIGKILL clears what was left and has every committed row', async () => {
  const folder = await copyOfMade('left');
  const { child, postgres } = await starter(folder);
  const password = readFileSync(join(folder, 'postgres.password'), 'utf8').trim();
  const url = `postgresql://milena:${password}@localhost/milena?host=${encodeURIComponent(join(folder, 'postgres'))}`;
  await ask(url, 'INSERT INTO kept VALUES (43)');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await using next = await startEmbeddedPostgres({ folder });
  assert.equal(isAlive(postgres), false);
  assert.deepEqual(await ask(next.url, 'SELECT count(*)::int AS n FROM kept'), [{ n: 2 }]);
});

test('a Postgres that was itself killed recovers', async () => {
  const folder = await copyOfMade('crashed');
  const first = await startEmbeddedPostgres({ folder });
  await ask(first.url, 'INSERT INTO kept VALUES (44)');
  process.kill(first.pid, 'SIGKILL');
  assert.match((await first.ended) ?? 'stopped', /./);
  await sleep(200); // Its children notice that it is gone.
  await using next = await startEmbeddedPostgres({ folder });
  assert.deepEqual(await ask(next.url, 'SELECT count(*)::int AS n FROM kept'), [{ n: 2 }]);
});

test('a stale postmaster.pid whose number belongs to another process is cleared, and that process lives', async () => {
  const folder = await copyOfMade('reused');
  const bystander = spawn('sleep', ['60']);
  const pid = bystander.pid ?? 0;
  writeFileSync(join(folder, 'postgres', 'postmaster.pid'), `${pid}\n/nowhere\n1\n5432\n.\n\n\nready\n`);
  await using postgres = await startEmbeddedPostgres({ folder });
  assert.deepEqual(await ask(postgres.url, 'SELECT 1 AS one'), [{ one: 1 }]);
  assert.equal(isAlive(pid), true);
  bystander.kill();
});

test('when Postgres dies under Milena, the end is told', async () => {
  const folder = await copyOfMade('died');
  const postgres = await startEmbeddedPostgres({ folder });
  process.kill(postgres.pid, 'SIGQUIT');
  assert.equal(typeof (await postgres.ended), 'string');
  await postgres.stop();
});

test('broken data is refused in plain words and left as it is', async () => {
  const folder = await copyOfMade('broken');
  const control = join(folder, 'postgres', 'global', 'pg_control');
  truncateSync(control, 100);
  await assert.rejects(startEmbeddedPostgres({ folder }), (error) => {
    assert.ok(isMilenaError(error, 'START_FAILED'));
    assert.match(error.message, /the data is broken\. Restore/);
    return true;
  });
  assert.equal(statSync(control).size, 100);
});

test('a database whose password is gone is refused in plain words, and nothing is started', async () => {
  const folder = await copyOfMade('no-password');
  rmSync(join(folder, 'postgres.password'));
  await assert.rejects(startEmbeddedPostgres({ folder }), (error) => {
    assert.ok(isMilenaError(error, 'START_FAILED'));
    assert.match(error.message, /postgres\.password cannot be read.*Restore it from a backup/);
    return true;
  });
  assert.equal(existsSync(join(folder, 'postgres', 'postmaster.pid')), false);
});

test('a first start that is killed midway is made up for by the next', async () => {
  const folder = join(base, 'midway');
  await mkdir(join(folder, 'postgres.new', 'half'), { recursive: true, mode: 0o700 });
  await using postgres = await startEmbeddedPostgres({ folder });
  assert.equal(postgres.isNew, true);
  assert.equal(existsSync(join(folder, 'postgres.new')), false);
});

test('a path too long for a socket gets a short one elsewhere, which goes with the stop', async () => {
  const folder = join(base, 'long'.repeat(20));
  await cp(made, folder, { recursive: true, verbatimSymlinks: true });
  if (isRoot)
    assert.equal(
      spawnSync('chown', ['-R', '--reference', join(made, 'postgres'), join(folder, 'postgres')]).status,
      0,
    );
  const postgres = await startEmbeddedPostgres({ folder });
  assert.deepEqual(await ask(postgres.url, 'SELECT answer FROM kept'), [{ answer: 42 }]);
  const sockets = new URL(postgres.url).searchParams.get('host') ?? '';
  assert.ok(existsSync(sockets));
  await postgres.stop();
  assert.equal(existsSync(sockets), false);
});

test('data under a home that only root may enter stays there', {
  skip: isRoot ? false : 'needs root',
}, async () => {
  const home = join(base, 'home');
  await mkdir(home, { mode: 0o700 });
  const folder = await copyOfMade('home/data');
  await using postgres = await startEmbeddedPostgres({ folder });
  assert.deepEqual(await ask(postgres.url, 'SELECT answer FROM kept'), [{ answer: 42 }]);
  assert.match(postgres.notes.join('\n'), /runs as user ID \d+, which owns .*home\/data\/postgres/);
  const status = readFileSync(`/proc/${postgres.pid}/status`, 'utf8');
  assert.doesNotMatch(status, /^Uid:\s+0\s/m);
});

test('a full disk is told in plain words', { skip: canMount() }, async () => {
  const folder = join(base, 'full');
  await mkdir(folder, { mode: 0o700 });
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=0700', 'tmpfs', folder]).status, 0);
  try {
    await assert.rejects(startEmbeddedPostgres({ folder }), (error) => {
      assert.ok(isMilenaError(error, 'START_FAILED'));
      assert.match(error.message, /the disk is full\. Make room/);
      return true;
    });
  } finally {
    spawnSync('umount', [folder]);
  }
});

/** False when this process may mount a small disk, else why the test is skipped. */
function canMount(): string | false {
  if (!isRoot) return 'needs root to mount a small disk';
  const probe = join(base, 'probe');
  spawnSync('mkdir', ['-p', probe]);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe]).status !== 0) {
    return 'this machine does not let root mount a small disk';
  }
  spawnSync('umount', [probe]);
  return false;
}
