import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isMilenaError } from '../../src/errors/milena-error.ts';
import type { EventLog, NewRecord } from '../../src/log/port.ts';
import { createPostgresLog, type PostgresLogOptions } from '../../src/log/postgres/postgres-log.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { codeOf, eventually, keys, readAll, record, tail } from './records.ts';

const slots = 4;
let server: TestPostgres;
let made = 0;

before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server?.stop();
});

/** A database of its own. */
async function database(): Promise<{ url: string; sql(text: string): Promise<pg.QueryResult> }> {
  const name = `own_${++made}`;
  const url = await server.createDatabase(name);
  const sql = async (text: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return await client.query(text);
    } finally {
      await client.end();
    }
  };
  return { url, sql };
}

type Opened = EventLog & AsyncDisposable;

async function open(url: string, more: Partial<PostgresLogOptions> = {}): Promise<Opened> {
  const log = await createPostgresLog({ connection: url, slots, ...more });
  return Object.assign(log, { [Symbol.asyncDispose]: () => log.close() });
}

/** The names of the statements that this process sends to logs while `work` runs. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  // What `database.ts` publishes.
  const count = (message: unknown) => names.push((message as { name: string }).name);
  subscribe('milena:log:statement', count);
  await work();
  unsubscribe('milena:log:statement', count);
  return names;
}

describe('the log in Postgres', () => {
  test('is refused where the server would lose what it acknowledged', async () => {
    const { url, sql } = await database();
    const name = new URL(url).pathname.slice(1);
    for (const weak of ['off', 'local']) {
      await sql(`ALTER DATABASE ${name} SET synchronous_commit = ${weak}`);
      assert.equal(await codeOf(() => open(url)), 'LOG_UNSAFE');
    }
    await sql(`ALTER DATABASE ${name} RESET synchronous_commit`);
    for (const setting of ['fsync', 'full_page_writes']) {
      await sql(`ALTER SYSTEM SET ${setting} = off`);
      await sql('SELECT pg_reload_conf()');
      await eventually(async () => (await sql(`SHOW ${setting}`)).rows[0]?.[setting] === 'off', 5_000);
      assert.equal(await codeOf(() => open(url)), 'LOG_UNSAFE');
      await sql(`ALTER SYSTEM RESET ${setting}`);
      await sql('SELECT pg_reload_conf()');
      await eventually(async () => (await sql(`SHOW ${setting}`)).rows[0]?.[setting] === 'on', 5_000);
    }
    await using log = await open(url);
    assert.equal(log.slots, slots);
  });

  test('is refused with another number of slots, or when newer software made it, or when nobody answers', async () => {
    const { url, sql } = await database();
    await (await open(url)).close();
    assert.equal(await codeOf(() => open(url, { slots: 8 })), 'DATA_MISMATCH');
    await sql(`INSERT INTO log.migrations (name) VALUES ('9999-of-the-future.sql')`);
    assert.equal(await codeOf(() => open(url)), 'DATA_MISMATCH');
    assert.equal(await codeOf(() => open('postgres://postgres@127.0.0.1:9/none')), 'LOG_UNAVAILABLE');
  });

  test('is made once by nodes that start together', async () => {
    const { url } = await database();
    const logs = await Promise.all(Array.from({ length: 4 }, () => open(url)));
    assert.equal(new Set(logs.map((log) => log.generation)).size, 1);
    await Promise.all(logs.map((log) => log.close()));
  });

  test('appends with one statement, and its own readers need none', async () => {
    const { url } = await database();
    await using log = await open(url);
    const writer = await log.claim(0);
    const readers = [tail(log, 'rooms', 0), tail(log, 'rooms', 0), tail(log, 'rooms', 0)];
    await writer.append('rooms', [record('warm')]);
    await Promise.all(readers.map((reader) => reader.until((records) => records.length === 1)));
    // Whoever came in while the log was opened has been told.
    await sleep(100);
    const names = await statementsOf(async () => {
      for (let round = 0; round < 20; round++) await writer.append('rooms', [record('a'), record('b')]);
      await Promise.all(readers.map((reader) => reader.until((records) => records.length === 41)));
    });
    assert.deepEqual(
      new Set(names),
      new Set(['log-append-rooms', ...names.filter((name) => name === 'log-notify')]),
    );
    assert.equal(names.filter((name) => name === 'log-append-rooms').length, 20);
    await Promise.all(readers.map((reader) => reader.stop()));
  });

  test('a node alone sends no notifications once it knows, and an idle reader sends no queries', async () => {
    const { url } = await database();
    await using log = await open(url, { pollMs: 50 });
    const writer = await log.claim(0);
    const reader = tail(log, 'rooms', 0);
    await writer.append('rooms', [record('a')]);
    await reader.until((records) => records.length === 1);
    await sleep(200);
    const idle = await statementsOf(() => sleep(300));
    assert.deepEqual(new Set(idle), new Set(['log-listeners']));
    const busy = await statementsOf(async () => {
      for (let round = 0; round < 10; round++) await writer.append('rooms', [record('b')]);
    });
    assert.equal(busy.filter((name) => name === 'log-notify').length, 0);
    await reader.stop();
  });

  test('a node that joins one that was alone misses nothing, before and after', async () => {
    const { url } = await database();
    await using one = await open(url, { pollMs: 1_000 });
    await sleep(1_200);
    let going = true;
    let count = 0;
    const publishing = (async () => {
      while (going) await one.publish('inbox', 0, [record(`${count++}`)]);
    })();
    // The safety poll is far away: what counts is that it is told.
    await using two = await open(url, { pollMs: 60_000 });
    const reader = tail(two, 'inbox', 0);
    await sleep(300);
    going = false;
    await publishing;
    await reader.until((records) => records.length === count, 2_000);
    await reader.stop();
  });

  test('readers go on when all connections were cut, without a word from the poll', async () => {
    const { url } = await database();
    await using proxy = await startCuttingProxy({ port: server.port });
    const through = Object.assign(new URL(url), { port: String(proxy.port) }).href;
    await using far = await open(through, { pollMs: 60_000 });
    await using near = await open(url, { pollMs: 50 });
    const reader = tail(far, 'inbox', 0);
    await near.publish('inbox', 0, [record('before')]);
    await reader.until((records) => records.length === 1);
    proxy.cutAll();
    await near.publish('inbox', 0, [record('meanwhile')]);
    await reader.until((records) => records.length === 2);
    await near.publish('inbox', 0, [record('after')]);
    await reader.until((records) => records.length === 3);
    await reader.stop();
  });

  test('a new reader and an append end with LOG_UNAVAILABLE while the server is away', async () => {
    const own = await startPostgres();
    await using log = await open(own.url);
    const reader = tail(log, 'inbox', 0);
    await log.publish('inbox', 0, [record('a')]);
    await reader.until((records) => records.length === 1);
    await own.stop();
    assert.equal(await codeOf(() => log.publish('inbox', 0, [record('b')])), 'LOG_UNAVAILABLE');
    const late = tail(log, 'users', 1);
    await assert.rejects(late.until((records) => records.length > 0, 200));
    assert.equal(await codeOf(() => late.stop()), 'LOG_UNAVAILABLE');
    // It had all there was; if it was told to look for more meanwhile, it has met the outage too.
    const ended = await codeOf(() => reader.stop());
    assert.ok(ended === undefined || ended === 'LOG_UNAVAILABLE');
  });

  test('an append that the server refuses for certain is not indefinite', async () => {
    const { url, sql } = await database();
    await using log = await open(url);
    const writer = await log.claim(0);
    await sql('ALTER TABLE log.rooms ADD CONSTRAINT no_space CHECK (length(value) < 100)');
    const error = await writer
      .append('rooms', [record('a', { value: Buffer.alloc(200) })])
      .catch((thrown) => thrown);
    assert.ok(isMilenaError(error, 'LOG_UNAVAILABLE'));
    await writer.append('rooms', [record('b')]);
    assert.deepEqual(keys(await readAll(log, 'rooms', 0)), ['b']);
  });

  test('appends of several slots at once share a commit, each in its own partition', async () => {
    const { url } = await database();
    await using log = await open(url);
    const writers = await Promise.all([0, 1, 2, 3].map((slot) => log.claim(slot)));
    const round = (name: string) =>
      Promise.all(writers.map((writer) => writer.append('rooms', [record(`${name}1`), record(`${name}2`)])));
    await round('a');
    const names = await statementsOf(() => round('b'));
    assert.deepEqual(
      names.filter((name) => name.startsWith('log-append')),
      ['log-append-rooms-together'],
    );
    for (const slot of [0, 1, 2, 3]) {
      const there = await readAll(log, 'rooms', slot);
      assert.deepEqual(keys(there), ['a1', 'a2', 'b1', 'b2']);
      assert.ok(there.every(({ epoch }) => epoch === writers[slot]?.epoch));
      assert.deepEqual(new Set(there.map(({ value }) => `${value}`)).size, 4);
    }
  });

  test('times of appends that share a commit go back in no partition, and stay their own', async () => {
    const { url } = await database();
    await using log = await open(url);
    const writers = await Promise.all([0, 1].map((slot) => log.claim(slot)));
    const late = (writer: number, ...ats: number[]) =>
      writers[writer]?.append(
        'rooms',
        ats.map((at) => record(`${at}`, { at })),
      );
    await Promise.all([late(0, 500), late(1, 100)]);
    await Promise.all([late(0, 400, 600), late(1, 200, 150, 300)]);
    const times = async (slot: number) => (await readAll(log, 'rooms', slot)).map(({ at }) => at);
    assert.deepEqual(await times(0), [500, 500, 600]);
    assert.deepEqual(await times(1), [100, 200, 200, 300]);
  });

  test('a fenced append that shares a commit is refused alone', async () => {
    const { url } = await database();
    await using log = await open(url);
    const old = await log.claim(0);
    const [present, other] = [await log.claim(0), await log.claim(1)];
    const outcomes = await Promise.all([
      codeOf(() => old.append('rooms', [record('old')])),
      present.append('rooms', [record('present')]),
      other.append('rooms', [record('other')]),
    ]);
    assert.equal(outcomes[0], 'FENCED');
    assert.deepEqual(keys(await readAll(log, 'rooms', 0)), ['present']);
    assert.deepEqual(keys(await readAll(log, 'rooms', 1)), ['other']);
  });

  test('an append whose partition is held up holds up no other slot', async () => {
    const { url } = await database();
    await using log = await open(url);
    const [held, free, third] = [await log.claim(0), await log.claim(1), await log.claim(2)];
    const blocker = new Blocker(url);
    await blocker.lockPartition();
    const waiting = [held.append('rooms', [record('held')])];
    await Promise.all([free.append('rooms', [record('a')]), third.append('rooms', [record('b')])]);
    await free.append('rooms', [record('c')]);
    assert.deepEqual(keys(await readAll(log, 'rooms', 0)), []);
    await blocker[Symbol.asyncDispose]();
    await Promise.all(waiting);
    assert.deepEqual(keys(await readAll(log, 'rooms', 0)), ['held']);
    assert.deepEqual(keys(await readAll(log, 'rooms', 1)), ['a', 'c']);
  });

  test('an append that the server refuses takes none down that would have shared its commit', async () => {
    const { url, sql } = await database();
    await using log = await open(url);
    const [first, second] = [await log.claim(0), await log.claim(1)];
    await sql('ALTER TABLE log.rooms ADD CONSTRAINT no_space CHECK (length(value) < 100)');
    const outcomes = await Promise.all([
      codeOf(() => first.append('rooms', [record('large', { value: Buffer.alloc(200) })])),
      codeOf(() => second.append('rooms', [record('small')])),
    ]);
    assert.deepEqual(outcomes, ['LOG_UNAVAILABLE', undefined]);
    assert.deepEqual(keys(await readAll(log, 'rooms', 1)), ['small']);
    assert.deepEqual(keys(await readAll(log, 'rooms', 0)), []);
  });

  test('an append whose session is ended by the administrator is indefinite', async () => {
    const { url, sql } = await database();
    await using log = await open(url);
    const writer = await log.claim(0);
    await using blocker = new Blocker(url);
    await blocker.lockPartition();
    const appending = codeOf(() => writer.append('rooms', [record('a')]));
    const waiting = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await eventually(async () => (await sql(`SELECT count(*)::int AS n ${waiting}`)).rows[0]?.n === 1, 5_000);
    await sql(`SELECT pg_terminate_backend(pid) ${waiting}`);
    assert.equal(await appending, 'INDEFINITE');
  });

  test('large records are read in batches that fit the memory', async () => {
    const { url } = await database();
    await using log = await open(url);
    const writer = await log.claim(0);
    const value = Buffer.alloc(1_000_000);
    for (let index = 0; index < 12; index++) await writer.append('rooms', [record(`${index}`, { value })]);
    const batches: number[] = [];
    const to = await log.end('rooms', 0);
    for await (const batch of log.read('rooms', 0, { from: { offset: 0, epoch: 0 }, to })) {
      batches.push(batch.records.length);
    }
    assert.equal(
      batches.reduce((sum, count) => sum + count, 0),
      12,
    );
    assert.ok(Math.max(...batches) <= 5);
  });

  test('keys that were replaced are nowhere on the disk, even when somebody could still see them', async () => {
    const { url, sql } = await database();
    await using log = await open(url);
    const writer = await log.claim(0);
    const keysOf = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) =>
        record(`block ${from + index}`, { value: randomBytes(150) }),
      );
    const all = keysOf(0, 300);
    for (let from = 0; from < all.length; from += 20)
      await writer.append('content_keys', all.slice(from, from + 20));
    const replaced = all.filter((_, index) => index % 3 === 0);
    await writer.append(
      'content_keys',
      replaced.map(({ key }) => record(key, { value: randomBytes(150) })),
    );
    await using looking = new Blocker(url);
    await looking.takeSnapshot();
    const compacting = log.compact('content_keys', 0);
    await sleep(500);
    assert.equal(await Promise.race([compacting.then(() => 'done'), 'waits']), 'waits');
    await looking[Symbol.asyncDispose]();
    await compacting;
    await sql('CHECKPOINT');
    const found = await occurring(await filesOf(server), all);
    assert.deepEqual(
      found,
      all.filter((each) => !replaced.includes(each)).map(({ key }) => key),
    );
  });

  test('a restarted node does not wait for the one that it replaces', async () => {
    const { url } = await database();
    const leases = { heartbeatMs: 100, ttlMs: 60_000 };
    const gained = async (log: EventLog) => {
      const slotsOf = new Set<number>();
      const on = {
        gained: async (slot: number) => void slotsOf.add(slot),
        lost: async (slot: number) => void slotsOf.delete(slot),
      };
      await log.assignment().join('http://node', on);
      return slotsOf;
    };
    const killed = await open(url, { leases: { ...leases, nodeId: 'folder/1' } });
    assert.equal((await gained(killed)).size, slots);
    // Closing leaves the lease as it is, as a kill does.
    await killed.close();
    await using other = await open(url, { leases: { ...leases, nodeId: 'elsewhere/1' } });
    const others = await gained(other);
    assert.equal(others.size, 0);
    const replaces = (id: string) => id.startsWith('folder/');
    await using again = await open(url, { leases: { ...leases, nodeId: 'folder/2', replaces } });
    const own = await gained(again);
    await eventually(() => own.size === slots / 2 && others.size === slots / 2, 2_000);
    await again.assignment().leave();
    await eventually(() => others.size === slots, 2_000);
    await other.assignment().leave();
  });

  test('a node that cannot renew its lease answers for nothing when it has run out, and comes back', async () => {
    const { url } = await database();
    await using proxy = await startCuttingProxy({ port: server.port });
    const through = Object.assign(new URL(url), { port: String(proxy.port) }).href;
    const leases = { heartbeatMs: 50, ttlMs: 400 };
    await using log = await open(through, { leases });
    const held = new Set<number>();
    await log.assignment().join('http://node', {
      gained: async (slot) => void held.add(slot),
      lost: async (slot) => void held.delete(slot),
    });
    await eventually(() => held.size === slots, 2_000);
    proxy.pause();
    await eventually(() => held.size === 0, 2_000);
    for (let slot = 0; slot < slots; slot++) assert.equal(log.assignment().leaseUntil(slot), 0);
    // The connections that fell silent stay so; what comes back comes over new ones.
    proxy.resumeForNew();
    await eventually(() => held.size === slots, 5_000);
    await log.assignment().leave();
  });

  test('an owner that fails to take over a slot leaves it to another', async () => {
    const { url } = await database();
    const leases = { heartbeatMs: 50, ttlMs: 2_000 };
    await using bad = await open(url, { leases });
    await using good = await open(url, { leases });
    const lost: number[] = [];
    await bad.assignment().join('http://bad', {
      gained: async (slot) => {
        if (slot === 1) throw new Error('cannot load');
      },
      lost: async (slot) => void lost.push(slot),
    });
    await eventually(() => lost.includes(1), 2_000);
    const held = new Set<number>();
    await good.assignment().join('http://good', {
      gained: async (slot) => void held.add(slot),
      lost: async (slot) => void held.delete(slot),
    });
    await eventually(() => held.has(1), 3_000);
    await good.assignment().leave();
    await bad.assignment().leave();
  });
});

/** Holds a partition's row, as an append does. */
class Blocker implements AsyncDisposable {
  readonly #client: pg.Client;

  constructor(url: string) {
    this.#client = new pg.Client({ connectionString: url });
  }

  async lockPartition(): Promise<void> {
    await this.#client.connect();
    await this.#client.query(
      'BEGIN; SELECT FROM log.partitions WHERE topic = 0 AND partition = 0 FOR UPDATE',
    );
  }

  /** Sees, until it ends, what there is now; it locks no table of keys. */
  async takeSnapshot(): Promise<void> {
    await this.#client.connect();
    await this.#client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM log.rooms');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

async function filesOf({ dataDir }: TestPostgres): Promise<readonly string[]> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The keys of the records whose values occur in any of the files. */
async function occurring(files: readonly string[], records: readonly NewRecord[]): Promise<string[]> {
  const found = new Set<string>();
  for (const file of files) {
    // Files come and go while the server runs.
    const bytes = await readFile(file).catch(() => Buffer.of());
    for (const { key, value } of records)
      if (value !== null && bytes.includes(Buffer.from(value))) found.add(key);
  }
  return records.map(({ key }) => key).filter((key) => found.has(key));
}
