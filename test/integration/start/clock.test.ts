import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, path, register, type SyncAnswer } from '../../support/client.ts';
import type { MilenaProcess } from '../../support/milena-process.ts';
import { folderForTest, httpOf, milena, serverIn, type TestFolder, urlOf } from './a-server.ts';

const HOUR = 3_600_000;
const MONTH = 31 * 24 * HOUR;
const PRELOADED = fileURLToPath(new URL('../../support/stepped-clock.js', import.meta.url));

/** A server whose wall clock can be set while it runs. */
async function serverWithClock(folder: TestFolder) {
  const file = join(folder.path, 'clock');
  const set = (ms: number): void => writeFileSync(file, String(ms));
  set(0);
  const env = { NODE_OPTIONS: `--import=${PRELOADED}`, TEST_CLOCK_FILE: file };
  return { server: await serverIn(folder, 'data', env), set };
}

function typists(answer: SyncAnswer, room: string): unknown {
  const events = answer.rooms?.join?.[room]?.ephemeral?.events ?? [];
  return events.find(({ type }) => type === 'm.typing')?.content['user_ids'];
}

async function words(client: Client, room: string): Promise<readonly unknown[]> {
  const events = await client.history(room);
  return events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body']);
}

/** The times of an exported log's records, by topic and partition, in order. */
function timesOf(exported: string): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>();
  for (const line of exported.split('\n').filter((text) => text.includes('"topic"'))) {
    const { topic, partition, at } = JSON.parse(line);
    const place = `${topic}/${partition}`;
    times.set(place, [...(times.get(place) ?? []), at]);
  }
  return times;
}

test('a clock that goes back by an hour is told, and the server goes on: records keep the time, typing ends, a start works', async () => {
  await using folder = folderForTest();
  const { server, set } = await serverWithClock(folder);
  const http = httpOf(server);
  const [alice, bob] = [await register(http, 'alice'), await register(http, 'bob')];
  const room = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(room);
  await alice.say(room, 'before');
  const { next_batch } = await bob.sync();

  set(-HOUR);
  await server.says(/"behindMs":3[56]\d{5},"msg":"the clock has gone back by so many milliseconds/);
  await alice.say(room, 'after');
  const typing = path('rooms', room, 'typing', alice.userId);
  assert.equal((await alice.ask('PUT', typing, { json: { typing: true, timeout: 1_000 } })).status, 200);
  const isTyping = (answer: SyncAnswer) => JSON.stringify(typists(answer, room)) === `["${alice.userId}"]`;
  const started = await bob.syncUntil(next_batch, isTyping);
  await bob.syncUntil(started.next_batch, (answer) => JSON.stringify(typists(answer, room)) === '[]');
  assert.equal((await fetch(`${urlOf(server)}/_milena/ready`)).status, 200);
  assert.equal((await milena(server.plan.env, ['status'])).code, 0);

  await server.stop();
  await server.start();
  await server.says(/"behindMs":3[56]\d{5},"msg":"the clock is behind the newest record on the log/);
  const again = new Client(httpOf(server), alice);
  await again.say(room, 'again');
  assert.deepEqual(await words(again, room), ['before', 'after', 'again']);
  const metrics = await fetch(`${internalOf(server)}/_milena/metrics`);
  const behind = /^milena_clock_behind_seconds (\d+)/m.exec(await metrics.text())?.[1];
  assert.ok(Number(behind) > 3_000, `${behind} seconds`);
  await server.stop();
  const times = timesOf((await milena(server.plan.env, ['log', 'export', '-'])).out);
  assert.ok(times.size > 3, `${times.size} partitions with records`);
  for (const [place, list] of times)
    assert.deepEqual(
      list,
      list.toSorted((a, b) => a - b),
      place,
    );
});

test('a send that is repeated after a month and a restart is the event of then', async () => {
  await using folder = folderForTest();
  const { server, set } = await serverWithClock(folder);
  const alice = await register(httpOf(server), 'alice');
  const room = await alice.createRoom();
  const first = await alice.send(room, 'm.room.message', { msgtype: 'm.text', body: 'once' }, 'a-month-ago');
  const redaction = path('rooms', room, 'redact', first, 'redacted-a-month-ago');
  const redacted = await alice.get200('PUT', redaction, { json: {} });
  // More than an owner reads back at its start (FILTER_TAIL): what is older must come from the models.
  for (let round = 0; round < 23; round += 1) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => alice.say(room, `word ${round}.${index}`)));
  }
  await server.kill();
  set(MONTH);
  await server.start();
  const later = new Client(httpOf(server), alice);
  const again = await later.send(room, 'm.room.message', { msgtype: 'm.text', body: 'twice' }, 'a-month-ago');
  assert.equal(again, first);
  assert.deepEqual(await later.get200('PUT', redaction, { json: {} }), redacted);
  const other = await later.send(room, 'm.room.message', { msgtype: 'm.text', body: 'new' }, 'another');
  const events = await later.history(room);
  assert.deepEqual(
    events.filter(({ event_id }) => event_id === first || event_id === other).map(({ event_id }) => event_id),
    [first, other],
  );
  assert.equal(events.filter(({ type }) => type === 'm.room.message').length, 2_302);
  assert.equal(events.filter(({ type }) => type === 'm.room.redaction').length, 1);
});

/** The internal listener, as the data folder notes it. */
function internalOf(server: MilenaProcess): string {
  return (
    /internal listener (http:\/\/[\d.:]+)/.exec(
      server.output(1_000_000).split('is running').at(-1) ?? '',
    )?.[1] ?? ''
  );
}
