import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OwnPresence } from './own-presence.ts';

const TIMES = { idleMs: 300_000, offlineMs: 60_000 };

function fresh() {
  return new OwnPresence(TIMES, null, 0);
}

/** What others see: the state, and whether active. */
function seen(presence: OwnPresence, now: number) {
  const shown = presence.shown(now);
  return [shown.presence, shown.currently_active];
}

describe('a user’s presence', () => {
  it('is online and active when a device begins to sync, and not active a minute later', () => {
    const presence = fresh();
    presence.syncing('A', 'online', 1_000);
    assert.deepEqual(seen(presence, 1_000), ['online', true]);
    assert.deepEqual(seen(presence, 61_000), ['online', false]);
  });

  it('is unavailable when nothing was done for long, however often a device syncs', () => {
    const presence = fresh();
    for (let now = 1_000; now < 400_000; now += 10_000) {
      presence.syncing('A', 'online', now);
      presence.synced('A', now);
    }
    assert.deepEqual(seen(presence, 400_000), ['unavailable', false]);
    presence.active(400_001);
    assert.deepEqual(seen(presence, 400_002), ['online', true]);
  });

  it('is offline when no device has synced for a while, and not while one waits', () => {
    const presence = fresh();
    presence.syncing('A', 'online', 1_000);
    presence.active(200_000);
    assert.deepEqual(seen(presence, 240_000), ['online', true]);
    presence.synced('A', 240_000);
    assert.deepEqual(seen(presence, 299_999), ['online', false]);
    assert.deepEqual(seen(presence, 300_000), ['offline', false]);
  });

  it('is that of the liveliest device', () => {
    const presence = fresh();
    presence.syncing('A', 'unavailable', 1_000);
    assert.deepEqual(seen(presence, 1_000), ['unavailable', false]);
    presence.syncing('B', 'online', 1_000);
    assert.deepEqual(seen(presence, 1_000), ['online', true]);
    presence.set('B', 'offline', null, 1_000);
    assert.deepEqual(seen(presence, 1_000), ['unavailable', false]);
  });

  it('is online again after any activity of a device that said it was idle', () => {
    const presence = fresh();
    presence.syncing('A', 'unavailable', 1_000);
    presence.active(2_000);
    assert.deepEqual(seen(presence, 2_000), ['online', true]);
  });

  it('says when it may next be otherwise, and never when nobody is there', () => {
    const presence = fresh();
    assert.equal(presence.next(0), undefined);
    presence.syncing('A', 'online', 1_000);
    assert.equal(presence.next(1_000), 61_000);
    assert.equal(presence.next(61_000), 301_000);
    presence.synced('A', 70_000);
    assert.equal(presence.next(70_000), 130_000);
    assert.equal(presence.next(130_000), undefined);
  });
});
