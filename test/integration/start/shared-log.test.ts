import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { login, register } from '../../support/client.ts';
import { freePort } from '../../support/free-port.ts';
import { type Kafka, kafkaOrReason } from '../../support/kafka.ts';
import { startPostgres } from '../../support/postgres.ts';
import { INTERNAL_SECRET, logSettings } from '../../support/server.ts';
import { copyFolder, folderForTest, httpOf, milena, serverIn } from './a-server.ts';

type Environment = Readonly<Record<string, string>>;

/** The settings of another machine over the same log: its own data folder, the same keys, no server noted in it. */
async function elsewhere(folder: string, env: Environment): Promise<Environment> {
  const data = join(folder, 'elsewhere');
  mkdirSync(data, { mode: 0o700 });
  for (const key of ['master.key', 'signing.key']) {
    copyFolder(join(folder, 'data', key), join(data, key));
  }
  return { ...env, MILENA_DATA: data, MILENA_INTERNAL_BIND: `127.0.0.1:${await freePort()}` };
}

/** Who owns which slot under which epoch: a new claim would change it. */
async function owners(env: Environment): Promise<unknown> {
  const { out, err } = await milena(env, ['status', '--json']);
  const status: unknown = JSON.parse(out === '' ? assert.fail(err) : out);
  assert.ok(typeof status === 'object' && status !== null && 'slots' in status);
  return status.slots;
}

async function kafkaIf(log: 'postgres' | 'kafka'): Promise<Kafka | { readonly skip: string } | undefined> {
  return log === 'kafka' ? kafkaOrReason() : undefined;
}

for (const log of ['postgres', 'kafka'] as const) {
  test(`on a log in ${log} that another node owns, commands from elsewhere do their work and fence nobody`, async (t) => {
    const kafka = await kafkaIf(log);
    if (kafka !== undefined && 'skip' in kafka) return t.skip(kafka.skip);
    await using stack = new AsyncDisposableStack();
    if (kafka !== undefined) stack.use(kafka);
    const postgres = stack.use(await startPostgres());
    const folder = stack.use(folderForTest());
    const server = await serverIn(folder, 'data', {
      MILENA_POSTGRES_URL: await postgres.createDatabase('milena'),
      MILENA_INTERNAL_BIND: `127.0.0.1:${await freePort()}`,
      MILENA_INTERNAL_SECRET: INTERNAL_SECRET,
      ...logSettings(kafka === undefined ? undefined : log),
      ...(kafka === undefined ? {} : { MILENA_KAFKA_BROKERS: kafka.brokers.join(',') }),
    });
    const http = httpOf(server);
    const alice = await register(http, 'alice', 'alices password');
    const room = await alice.createRoom();
    const before = await owners(server.plan.env);
    const env = await elsewhere(folder.path, server.plan.env);

    // Alice writes all along: an owner that were fenced would fail her, or claim anew.
    let sent = 0;
    const stop = new AbortController();
    const writing = (async () => {
      for (; !stop.signal.aborted; sent += 1) await alice.say(room, `word ${sent}`);
    })();
    const added = await milena(env, ['user', 'add', 'bob'], 'bobs first password\n');
    assert.deepEqual([added.code, added.out], [0, '@bob:localhost is made.\n'], added.err);
    const changed = await milena(env, ['user', 'set-password', 'bob'], 'bobs second password\n');
    assert.equal(changed.code, 0, changed.err);
    assert.match((await milena(env, ['user', 'list'])).out, /^@bob:localhost /m);
    const rebuilt = await milena(env, ['rebuild', 'timeline']);
    assert.equal(rebuilt.code, 0, rebuilt.err);
    const file = join(folder.path, 'milena.log');
    const exported = await milena(env, ['log', 'export', file]);
    assert.equal(exported.code, 0, exported.err);
    const imported = await milena(env, ['log', 'import', file]);
    assert.equal(imported.code, 1, 'a log that another node owns takes no import');
    assert.match(imported.err, /A server runs on this log/);
    assert.deepEqual(await owners(env), before, 'seen from elsewhere');
    assert.deepEqual(await owners(server.plan.env), before, 'seen at the owner');
    stop.abort();
    await writing;
    const data = join(folder.path, 'another-name');
    const misnamed = { ...env, MILENA_DATA: data, MILENA_SERVER_NAME: 'another.example' };
    for (const command of ['user list', 'serve']) {
      const refused = await milena(misnamed, command.split(' '));
      assert.equal(refused.code, 1, command);
      assert.match(refused.err, /belongs to the server name "localhost".*"another\.example".*The way out/);
    }

    assert.ok(sent > 0);
    const said = (await alice.history(room)).filter(({ type }) => type === 'm.room.message');
    assert.deepEqual(
      said.map(({ content }) => content['body']),
      Array.from({ length: sent }, (_, index) => `word ${index}`),
    );
    await login(http, 'bob', 'bobs second password');
    const output = server.output(1_000_000);
    assert.doesNotMatch(output, /slot given up|claimed anew/);
    // A single broker is legal, and the operator is told once, as a warning (level 40).
    const told = output.split('\n').filter((line) => line.includes('THE LOG DOES NOT OUTLIVE A BROKER'));
    assert.equal(told.length, log === 'kafka' ? 1 : 0);
    assert.ok(
      told.every((line) => line.includes('"level":40') || line.includes('"level":"warn"')),
      told[0],
    );
  });
}
