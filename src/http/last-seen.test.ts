import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asUserId, parseDeviceId } from '../matrix/identifiers.ts';
import { MemorySessions } from '../sessions/memory-sessions.fixture.ts';
import type { SessionEntry } from '../sessions/port.ts';
import { LastSeen } from './last-seen.ts';
import type { Session } from './reads/account-reads.ts';

const ANN = asUserId('@ann:example.org');
const BOB = asUserId('@bob:example.org');

/** A store that keeps who puts something waiting, and can fail. */
class SlowSessions extends MemorySessions {
  /** Resolves once something is to be put. */
  readonly asked = Promise.withResolvers<void>();
  readonly go = Promise.withResolvers<void>();
  fails = false;

  override async put(entries: readonly SessionEntry[]): Promise<void> {
    this.asked.resolve();
    await this.go.promise;
    if (this.fails) throw new Error('out of reach');
    await super.put(entries);
  }
}

function device(user_id: Session['user_id'], id: string): Session {
  const device_id = parseDeviceId(id);
  assert.ok(device_id !== undefined);
  const plain = { kind: 'user', admin: false, locked: false, suspended: false } as const;
  return { user_id, device_id, ...plain, expires_at: null, unused: false };
}

function open(store: MemorySessions): LastSeen {
  return new LastSeen(
    store,
    () => 1_000,
    () => undefined,
  );
}

const idsOf = async (seen: LastSeen, user = ANN) => [...(await seen.of(user)).keys()].sort();
const stored = async (store: MemorySessions, user = ANN) => [...(await store.list('last_seen', user)).keys()];

describe('when devices were seen', () => {
  it('is known before, while and after it is written', async () => {
    const store = new SlowSessions();
    await using seen = open(store);
    seen.note(device(ANN, 'ONE'), '192.0.2.1', 'a client');
    assert.deepEqual(await idsOf(seen), ['ONE']);
    const written = seen.flush();
    await store.asked.promise;
    assert.deepEqual(await idsOf(seen), ['ONE'], 'while it is written');
    store.go.resolve();
    await written;
    assert.deepEqual([...(await seen.of(ANN)).values()], [{ ts: 1_000, ip: '192.0.2.1', agent: 'a client' }]);
  });

  it('is forgotten with the device, and with all of them, wherever it was noted', async () => {
    const store = new MemorySessions();
    await using seen = open(store);
    for (const id of ['ONE', 'TWO', 'THREE']) seen.note(device(ANN, id), '192.0.2.1');
    seen.note(device(BOB, 'ONE'), '192.0.2.2');
    await seen.flush();
    seen.forget(ANN, ['ONE']);
    await seen.flush();
    assert.deepEqual(await stored(store), ['TWO', 'THREE']);
    seen.note(device(ANN, 'FOUR'), '192.0.2.1');
    seen.forget(ANN, 'all');
    assert.ok(!(await idsOf(seen)).includes('FOUR'), 'what only waited is gone at once');
    await seen.flush();
    assert.deepEqual(await idsOf(seen), []);
    assert.deepEqual(await stored(store, BOB), ['ONE'], 'others are not touched');
  });

  it('is forgotten also where it was just being written', async () => {
    const store = new SlowSessions();
    await using seen = open(store);
    seen.note(device(ANN, 'ONE'), '192.0.2.1');
    const written = seen.flush();
    await store.asked.promise;
    seen.forget(ANN, ['ONE']);
    store.go.resolve();
    await written;
    await seen.flush();
    assert.deepEqual(await stored(store), []);
  });

  it('is written later where the store could not be reached, but not what was forgotten meanwhile', async () => {
    const store = new SlowSessions();
    await using seen = open(store);
    seen.note(device(ANN, 'ONE'), '192.0.2.1');
    seen.note(device(ANN, 'TWO'), '192.0.2.1');
    store.fails = true;
    const written = seen.flush();
    await store.asked.promise;
    seen.forget(ANN, ['ONE']);
    store.go.resolve();
    await assert.rejects(written);
    store.fails = false;
    await seen.flush();
    assert.deepEqual(await stored(store), ['TWO']);
  });

  it('is known again of a device that comes again', async () => {
    const store = new MemorySessions();
    await using seen = open(store);
    seen.note(device(ANN, 'ONE'), '192.0.2.1');
    seen.forget(ANN, ['ONE']);
    seen.note(device(ANN, 'ONE'), '192.0.2.3');
    await seen.flush();
    assert.equal((await open(store).of(ANN)).get('ONE')?.ip, '192.0.2.3');
  });

  it('goes on being forgotten from where that was left', async () => {
    const store = new MemorySessions();
    await using seen = open(store);
    assert.equal(await seen.followedBefore(3), undefined);
    seen.followed(3, { offset: 7, epoch: 2 });
    seen.followed(3, { offset: 9, epoch: 2 });
    await seen.flush();
    await using later = open(store);
    assert.deepEqual(await later.followedBefore(3), { offset: 9, epoch: 2 });
    assert.equal(await later.followedBefore(4), undefined);
  });
});
