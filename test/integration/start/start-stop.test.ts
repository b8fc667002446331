import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { register } from '../../support/client.ts';
import type { MilenaProcess } from '../../support/milena-process.ts';
import { postgresPids } from '../../support/server.ts';
import { folderForTest, httpOf, plannedIn, serverIn, someHistory, urlOf, wordsOf } from './a-server.ts';

/** Starts it and waits for its end, which must come by itself. */
async function endsAtOnce(
  server: MilenaProcess,
): Promise<{ readonly code: number | null; readonly said: string }> {
  server.launch();
  assert.ok(await server.gone(60_000), 'it goes on running');
  return { code: server.exitCode, said: server.output() };
}

const dataOf = (server: MilenaProcess): string => server.plan.env['MILENA_DATA'] ?? '';

describe('a first start', () => {
  test('says what it did, where the data lies, that the name is for good, how to make a user, which client', async () => {
    await using folder = folderForTest();
    const server = await serverIn(folder, 'data', { MILENA_LOG_LEVEL: 'info' });
    const said = await server.says(/Element|element\.io/i);
    assert.match(said, new RegExp(`Milena \\d+\\.\\d+\\.\\d+ is running on ${urlOf(server)}`));
    assert.match(said, new RegExp(`${dataOf(server)} \\(made now\\)`));
    assert.match(said, /localhost: part of every user ID, and for good/);
    assert.match(said, /user add NAME/);
  });

  test('serves a page at / with name, version and how to connect, and says that it lives and is ready', async () => {
    await using folder = folderForTest();
    const server = await serverIn(folder);
    const page = await (await fetch(`${urlOf(server)}/`)).text();
    assert.match(page, /Milena \d+\.\d+\.\d+/);
    assert.match(page, /localhost/);
    assert.match(page, /http:\/\/127\.0\.0\.1:\d+/);
    assert.equal((await fetch(`${urlOf(server)}/_milena/live`)).status, 200);
    const ready = await fetch(`${urlOf(server)}/_milena/ready`);
    assert.deepEqual(await ready.json(), { ready: true, reasons: [] });
  });
});

describe('a second start', () => {
  test('finds its data and is ready in about a second', async () => {
    await using folder = folderForTest();
    const first = await serverIn(folder);
    const room = await someHistory(first, ['one', 'two']);
    await first.stop();
    const begun = performance.now();
    const second = await serverIn(folder);
    const took = performance.now() - begun;
    assert.deepEqual(await wordsOf(second, room), ['one', 'two']);
    // About one second on a quiet machine; others may be at work on this one.
    const limit = 8_000 * Math.max(1, (loadavg()[0] ?? 1) / availableParallelism());
    assert.ok(took < limit, `${Math.round(took)} ms`);
  });

  test('on data in use says who holds it and where, and leaves that server alone', async () => {
    await using folder = folderForTest();
    const first = await serverIn(folder);
    const { code, said } = await endsAtOnce(await plannedIn(folder));
    assert.equal(code, 1);
    assert.match(said, new RegExp(`held by process ${first.pid} \\(milena serve\\) since .*${urlOf(first)}`));
    assert.equal((await fetch(`${urlOf(first)}/_milena/ready`)).status, 200);
  });

  test('for another server name refuses and names the way out', async () => {
    await using folder = folderForTest();
    await (await serverIn(folder)).stop();
    const { code, said } = await endsAtOnce(
      await plannedIn(folder, 'data', { MILENA_SERVER_NAME: 'other.org' }),
    );
    assert.equal(code, 1);
    assert.match(said, /belongs to the server name "localhost".*MILENA_SERVER_NAME=localhost/);
  });
});

describe('a stop', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`by ${signal} answers the requests under way, ends with code 0 and leaves no Postgres`, async () => {
      await using folder = folderForTest();
      const server = await serverIn(folder);
      const http = httpOf(server);
      const alice = await register(http);
      const { next_batch } = await alice.sync();
      const waiting = alice.sync({ since: next_batch, timeout: 30_000 });
      const sending = alice.createRoom();
      await new Promise((resolve) => setTimeout(resolve, 30));
      process.kill(server.pid, signal);
      // Ctrl-C under npm arrives twice: from the terminal and from npm.
      if (signal === 'SIGINT') process.kill(server.pid, signal);
      assert.match(await sending, /^!/);
      assert.ok((await waiting).next_batch);
      assert.ok(await server.gone(30_000));
      assert.equal(server.exitCode, 0, server.output());
      assert.deepEqual(postgresPids(dataOf(server)), []);
      http.close();
    });
  }
});

describe('after kill -9', () => {
  test('the next start clears what was left and has everything that was acknowledged', async () => {
    await using folder = folderForTest();
    const server = await serverIn(folder);
    const room = await someHistory(server, ['kept']);
    await server.kill();
    await server.start();
    assert.deepEqual(await wordsOf(server, room), ['kept']);
    await server.stop();
  });
});

describe('what cannot work is told, and nothing is left behind', () => {
  test('a port that is taken', async () => {
    await using folder = folderForTest();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    assert.ok(typeof address === 'object' && address !== null);
    const server = await plannedIn(folder, 'data', { MILENA_PORT: String(address.port) });
    const { code, said } = await endsAtOnce(server);
    other.close();
    assert.equal(code, 1);
    assert.match(said, new RegExp(`Port ${address.port} on 127\\.0\\.0\\.1 is taken`));
    assert.doesNotMatch(said, /\n\s+at /, 'no stack');
    assert.deepEqual(postgresPids(dataOf(server)), []);
  });

  test('a Postgres that dies', async () => {
    await using folder = folderForTest();
    const server = await serverIn(folder);
    const [postmaster = 0] = postgresPids(dataOf(server));
    process.kill(postmaster, 'SIGKILL');
    assert.ok(await server.gone(60_000), 'it goes on without Postgres');
    assert.equal(server.exitCode, 1);
    assert.match(server.output(), /Postgres has ended/);
  });

  test('a Postgres of one’s own that is not there', async () => {
    await using folder = folderForTest();
    const env = { MILENA_POSTGRES_URL: 'postgresql://milena:hunter2secret@127.0.0.1:1/milena' };
    const { code, said } = await endsAtOnce(await plannedIn(folder, 'data', env));
    assert.equal(code, 1);
    assert.match(said, /127\.0\.0\.1:1|Postgres/);
    assert.doesNotMatch(said, /hunter2secret/);
  });

  for (const [name, value, why] of [
    ['MILENA_LOG', 'eventstore', 'is not built yet'],
    ['MILENA_DEFAULT_ROOM_VERSION', '13', ''],
  ] as const) {
    test(`${name}=${value}, which Milena does not know`, async () => {
      await using folder = folderForTest();
      const { code, said } = await endsAtOnce(await plannedIn(folder, 'data', { [name]: value }));
      assert.equal(code, 1);
      assert.match(said, new RegExp(`^milena: ${name}: .*${why}`, 'm'));
    });
  }

  test('a configuration file with an error, by its line', async () => {
    await using folder = folderForTest();
    const file = join(folder.path, 'milena.yaml');
    writeFileSync(file, 'server_name: a.org\nport: high\n');
    const plan = await plannedIn(folder);
    const { MILENA_PORT: _, ...env } = plan.plan.env;
    const other = Object.assign(plan, { plan: { ...plan.plan, env, args: ['serve', '--config', file] } });
    const { code, said } = await endsAtOnce(other);
    assert.equal(code, 1);
    assert.match(said, /milena\.yaml:2:7: port: expected a whole number/);
  });
});

test('open registration on a public address warns loudly', async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder, 'data', { MILENA_BIND: '0.0.0.0' });
  await server.says(/REGISTRATION IS OPEN on 0\.0\.0\.0/);
});
