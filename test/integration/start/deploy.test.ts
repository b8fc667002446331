import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Client, path, register } from '../../support/client.ts';
import { freePort } from '../../support/free-port.ts';
import type { MilenaProcess } from '../../support/milena-process.ts';
import { newerTree } from '../../support/newer-tree.ts';
import { startPostgres } from '../../support/postgres.ts';
import { INTERNAL_SECRET } from '../../support/server.ts';
import {
  folderForTest,
  httpOf,
  milena,
  plannedIn,
  serverIn,
  someHistory,
  type TestFolder,
  urlOf,
  wordsOf,
} from './a-server.ts';

/** The lock that whoever rebuilds `timeline` holds (`projections/framework/rebuild.ts`). */
const TIMELINE_BUILD = [0x6d696c06, 'timeline'] as const;

/** Newer software over the same data, not started yet. */
async function newerOver(folder: TestFolder, old: MilenaProcess): Promise<MilenaProcess> {
  const tree = join(folder.path, 'tree');
  mkdirSync(tree, { mode: 0o755 });
  const { MILENA_PORT: _, MILENA_INTERNAL_BIND: __, ...env } = old.plan.env;
  const newer = await plannedIn(folder, 'data', {
    ...env,
    MILENA_INTERNAL_BIND: `127.0.0.1:${await freePort()}`,
  });
  const logFile = join(folder.path, 'newer.log');
  return Object.assign(newer, { plan: { ...newer.plan, launcher: newerTree(tree), logFile } });
}

async function readiness(server: MilenaProcess): Promise<{ status: number; reasons: readonly string[] }> {
  const response = await fetch(`${urlOf(server)}/_milena/ready`).catch(() => undefined);
  if (response === undefined) return { status: 0, reasons: [] };
  const { reasons } = (await response.json()) as { reasons: string[] }; // As the endpoint's schema says.
  return { status: response.status, reasons };
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await check()) return;
    await sleep(100);
  }
  assert.fail(`it did not come to be: ${what}`);
}

const isReady = async (server: MilenaProcess): Promise<boolean> => (await readiness(server)).status === 200;

/** Says words one after the other until it is refused; gives those that were acknowledged. */
function talk(client: Client, room: string): { readonly said: Promise<readonly string[]>; stop(): void } {
  let going = true;
  const said = (async () => {
    const acknowledged: string[] = [];
    while (going) {
      const word = `word ${acknowledged.length}`;
      const where = path('rooms', room, 'send', 'm.room.message', `t${acknowledged.length}`);
      const answer = await client.ask('PUT', where, { json: { msgtype: 'm.text', body: word } });
      if (answer.status !== 200) return acknowledged;
      acknowledged.push(word);
    }
    return acknowledged;
  })();
  return { said, stop: () => (going = false) };
}

describe('newer software whose read models are of another version', () => {
  test('beside the old: it lives and says how far it is, the old serves all along, then all is switched at once', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = stack.use(await startPostgres());
    const folder = stack.use(folderForTest());
    const url = await postgres.createDatabase('milena');
    const old = await serverIn(folder, 'data', {
      MILENA_POSTGRES_URL: url,
      MILENA_INTERNAL_BIND: `127.0.0.1:${await freePort()}`,
      MILENA_INTERNAL_SECRET: INTERNAL_SECRET,
    });
    const alice = await register(httpOf(old), 'alice', 'alices password');
    const room = await alice.createRoom();
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    stack.defer(() => holder.end());
    await holder.query('SELECT pg_advisory_lock($1, hashtext($2))', [...TIMELINE_BUILD]);

    const newer = await newerOver(folder, old);
    const talking = talk(alice, room);
    newer.launch();
    await until('it listens', async () => (await readiness(newer)).status === 503);
    const { reasons } = await readiness(newer);
    assert.match(reasons.join('\n'), /timeline is being built for this version of the software: and waits/);
    assert.equal((await fetch(`${urlOf(newer)}/_milena/live`)).status, 200);
    const early = await fetch(`${urlOf(newer)}/_matrix/client/versions`);
    assert.deepEqual([early.status, early.headers.get('retry-after')], [503, '5']);
    // Every partition goes on at the old node: what is written can be read at once.
    for (let i = 0; i < 16; i += 1) {
      const other = await alice.createRoom({ name: `room ${i}` });
      assert.equal((await alice.state(other, 'm.room.name'))['name'], `room ${i}`);
    }
    assert.ok(await isReady(old));
    assert.equal(await isReady(newer), false);

    await holder.query('SELECT pg_advisory_unlock($1, hashtext($2))', [...TIMELINE_BUILD]);
    await until('the newer is ready', () => isReady(newer));
    const said = await talking.said;
    assert.ok(said.length > 0);
    const { rows } = await holder.query('SELECT name, active_schema FROM projection.models ORDER BY name');
    assert.ok(rows.every(({ name, active_schema }) => active_schema === `${name}_2`));
    assert.match((await readiness(old)).reasons.join('\n'), /timeline was built by newer software/);
    assert.deepEqual(await wordsOf(newer, room), said);
    const moved = new Client(httpOf(newer), alice);
    await moved.say(room, 'at the newer');

    await old.stop();
    old.launch();
    await until('the old lives again', async () => (await readiness(old)).status === 503);
    await sleep(1_500);
    assert.ok(await isReady(newer), 'an old node that is started again takes nothing away');

    await newer.stop();
    await until('the old goes back to its own', () => isReady(old));
    assert.deepEqual(await wordsOf(old, room), [...said, 'at the newer']);
  });

  test('alone on its data, built beside the old that holds it: the old serves until the switch, the newer from its start', async () => {
    await using folder = folderForTest();
    const old = await serverIn(folder);
    const alice = await register(httpOf(old), 'alice', 'alices password');
    const room = await alice.createRoom();
    await alice.say(room, 'before');
    const newer = await newerOver(folder, old);
    const { launcher } = newer.plan;
    assert.ok(launcher !== undefined);
    // Its own command would build the old version anew.
    const talking = talk(alice, room);
    const built = await milena(old.plan.env, ['rebuild', '--outdated'], '', launcher);
    assert.equal(built.code, 0, built.err);
    assert.match(built.err, /^timeline_2: building, \d+ records$/m);
    assert.match(built.out, /^Built for this version: .*timeline.*Start it now/);
    const said = await talking.said;
    assert.ok(said.length > 0, 'it served while the newer models were built');
    assert.match((await readiness(old)).reasons.join('\n'), /timeline was built by newer software/);
    await old.stop();

    const reasons = new Set<string>();
    newer.launch();
    await until('the newer is ready', async () => {
      const now = await readiness(newer);
      for (const reason of now.reasons) reasons.add(reason);
      return now.status === 200;
    });
    assert.doesNotMatch([...reasons].join('\n'), /being built/, 'nothing is left to be built');
    assert.deepEqual(await wordsOf(newer, room), ['before', ...said]);
    const again = await milena(newer.plan.env, ['rebuild', '--outdated'], '', launcher);
    assert.deepEqual([again.code, again.out], [0, 'The read models are of this version.\n'], again.err);
    // The old one's command takes nothing away from the newer that runs.
    const back = await milena(old.plan.env, ['rebuild', '--outdated']);
    assert.equal(back.code, 1, back.out);
    assert.match(back.err, /is served by newer software/);
    assert.ok(await isReady(newer));
    await newer.stop();
  });

  test('alone on its data: it builds at the start, and goes on', async () => {
    await using folder = folderForTest();
    const old = await serverIn(folder);
    const room = await someHistory(old, ['one', 'two']);
    await old.stop();
    const newer = await newerOver(folder, old);
    await newer.start();
    assert.deepEqual(await wordsOf(newer, room), ['one', 'two']);
    const status = await milena(newer.plan.env, ['status', '--json']);
    assert.equal(status.code, 0, status.out);
    await newer.stop();
    // And back: the old schemas are still there.
    await old.start();
    assert.deepEqual(await wordsOf(old, room), ['one', 'two']);
    await old.stop();
  });
});
