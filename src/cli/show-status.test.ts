import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HouseStatus } from './house.ts';
import { showStatus, troubles } from './show-status.ts';

const well: HouseStatus = {
  version: '1.2.3',
  serverName: 'example.org',
  ready: true,
  reasons: [],
  slots: [{ slot: 0, owner: 'http://127.0.0.1:4000', epoch: 17 }],
  projectors: [{ model: 'sync', state: 'following', lagRecords: 3, lagSeconds: 0.25, poison: [] }],
};

test('the status shows every slot with owner and epoch, and every projector with its lag in records and seconds', () => {
  assert.deepEqual(showStatus(well).split('\n'), [
    'Milena 1.2.3, example.org: ready',
    '',
    'slot  owner                  epoch',
    '0     http://127.0.0.1:4000  17',
    '',
    'model  state      lag  seconds  poison',
    'sync   following  3    0.3      0',
    '',
  ]);
  assert.deepEqual(troubles(well), []);
});

test('a poison record, a slot without owner and what keeps it from being ready are troubles', () => {
  const poison = { topic: 'rooms', partition: 2, offset: 99, key: '!r:x', reason: 'bad', waiting: 4 };
  const ill: HouseStatus = {
    ...well,
    ready: false,
    reasons: ['Postgres is gone'],
    slots: [{ slot: 5 }],
    projectors: [{ model: 'sync', state: 'following', lagRecords: 3, lagSeconds: 0, poison: [poison] }],
  };
  assert.deepEqual(troubles(ill), [
    'Postgres is gone',
    'no owner for slot 5',
    'sync cannot apply rooms/2@99 (!r:x): bad; 4 records wait for it',
  ]);
  assert.match(showStatus(ill), /^! sync cannot apply/m);
});
