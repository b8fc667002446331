import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { isMilenaError } from '../../src/errors/milena-error.ts';
import { MemorySessions } from '../../src/sessions/memory-sessions.fixture.ts';
import type { SessionEntry, SessionPlace, SessionStore } from '../../src/sessions/port.ts';
import { PostgresSessions } from '../../src/sessions/postgres-sessions.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const place = (name: string, owner = ''): SessionPlace => ({ kind: 'uia', owner, name });
const entry = (name: string, value: string, ttlMs = 1_000, owner = ''): SessionEntry => ({
  ...place(name, owner),
  value,
  ttlMs,
});

/** What every store of sessions does. `at` is the clock that the store goes by. */
function contract(open: () => { readonly store: SessionStore; readonly at: { now: number } }): void {
  it('gives what was put, until its time is over', async () => {
    const { store, at } = open();
    await store.put([entry('timed', 'one', 500)]);
    assert.equal(await store.get(place('timed')), 'one');
    at.now += 499;
    assert.equal(await store.get(place('timed')), 'one');
    at.now += 1;
    assert.equal(await store.get(place('timed')), undefined);
    assert.equal(await store.take(place('timed')), undefined);
  });

  it('puts in place of what is there, the last of two counting', async () => {
    const { store } = open();
    await store.put([entry('again', 'one'), entry('again', 'two')]);
    assert.equal(await store.get(place('again')), 'two');
    await store.put([entry('again', 'three')]);
    assert.equal(await store.get(place('again')), 'three');
  });

  it('replaces only a value that is still the one that was read', async () => {
    const { store, at } = open();
    await store.put([entry('raced', 'one')]);
    const tries = ['a', 'b', 'c', 'd'].map((value) => store.replace('one', entry('raced', value)));
    assert.equal((await Promise.all(tries)).filter(Boolean).length, 1);
    assert.equal(await store.replace('one', entry('raced', 'late')), false);
    assert.equal(await store.replace('nothing', entry('never put', 'value')), false);
    const now = (await store.get(place('raced'))) ?? '';
    at.now += 5_000;
    assert.equal(await store.replace(now, entry('raced', 'too late')), false);
  });

  it('gives a value that is taken to one of those who ask', async () => {
    const { store } = open();
    await store.put([entry('once', 'secret')]);
    const got = await Promise.all(Array.from({ length: 6 }, () => store.take(place('once'))));
    assert.deepEqual(
      got.filter((value) => value !== undefined),
      ['secret'],
    );
    assert.equal(await store.get(place('once')), undefined);
  });

  it('lists and removes what one owner has of one kind', async () => {
    const { store, at } = open();
    await store.put([
      entry('a', '1', 500, '@u:x'),
      entry('b', '2', 5_000, '@u:x'),
      entry('a', '3', 500, '@v:x'),
    ]);
    await store.put([{ ...entry('a', '4', 500, '@u:x'), kind: 'last_seen' }]);
    assert.deepEqual([...(await store.list('uia', '@u:x'))].sort(), [
      ['a', '1'],
      ['b', '2'],
    ]);
    at.now += 1_000;
    assert.deepEqual([...(await store.list('uia', '@u:x'))], [['b', '2']]);
    await store.put([entry('c', '5', 500, '@u:x')]);
    await store.remove({ kind: 'uia', owner: '@u:x', name: 'c' });
    assert.deepEqual([...(await store.list('uia', '@u:x')).keys()], ['b']);
    await store.remove({ kind: 'uia', owner: '@u:x' });
    assert.equal((await store.list('uia', '@u:x')).size, 0);
  });

  it('sweeps what is over and nothing else', async () => {
    const { store, at } = open();
    await store.sweep();
    await store.put([entry('short', '1', 100), entry('long', '2', 900)]);
    at.now += 500;
    assert.equal(await store.sweep(), 1);
    assert.equal(await store.get(place('long')), '2');
  });

  it('takes any text: NUL, backslashes, quotes', async () => {
    const { store } = open();
    const odd = 'a\0b\\0c\'"\n';
    await store.put([entry(odd, JSON.stringify({ odd }), 1_000, odd)]);
    assert.equal(await store.get(place(odd, odd)), JSON.stringify({ odd }));
    assert.deepEqual([...(await store.list('uia', odd)).keys()], [odd]);
    assert.equal(await store.get(place('a\\0b', odd)), undefined);
  });
}

describe('sessions in memory', () => {
  contract(() => {
    const at = { now: 1_000_000 };
    return { store: new MemorySessions(() => at.now), at };
  });
});

describe('sessions in Postgres', () => {
  const at = { now: 1_000_000 };
  let server: TestPostgres;
  let url = '';
  let store: PostgresSessions;
  const open = (connection = url): Promise<PostgresSessions> =>
    PostgresSessions.open({ connection, now: () => at.now, report: () => undefined });

  before(async () => {
    server = await startPostgres();
    url = await server.createDatabase('sessions');
    // Several nodes start at once on a database that has nothing yet.
    const stores = await Promise.all([open(), open(), open()]);
    store = stores[0];
    await Promise.all(stores.slice(1).map((one) => one[Symbol.asyncDispose]()));
  });
  after(async () => {
    await store?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  contract(() => ({ store, at }));

  it('are shared by the processes of a server, and there after a restart', async () => {
    await store.put([entry('shared', 'by all', 60_000)]);
    await using other = await open();
    assert.equal(await other.take(place('shared')), 'by all');
    assert.equal(await store.get(place('shared')), undefined);
  });

  it('are refused by software older than what keeps them', async () => {
    await using client = await connected(url);
    await client.query(`INSERT INTO sessions.migrations (name) VALUES ('9999-later.sql')`);
    await assert.rejects(open(), (error) => isMilenaError(error, 'DATA_MISMATCH'));
    await client.query(`DELETE FROM sessions.migrations WHERE name = '9999-later.sql'`);
  });

  it('answer UNAVAILABLE while Postgres cannot be reached', async () => {
    await assert.rejects(open('postgres://nobody@127.0.0.1:1/none'), (error) =>
      isMilenaError(error, 'UNAVAILABLE'),
    );
  });
});

async function connected(connectionString: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
