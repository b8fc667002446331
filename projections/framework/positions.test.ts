import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Positions } from './positions.ts';

test('waiters are woken by the move that passes their offset, and by no other', async () => {
  const positions = new Positions();
  const near = positions.waitFor('timeline', 'rooms', 0, 4, 5_000);
  const far = positions.waitFor('timeline', 'rooms', 0, 9, 30);
  const other = positions.waitFor('timeline', 'rooms', 1, 4, 30);
  positions.moved('timeline', 'rooms', 0, 5);
  assert.deepEqual(await Promise.all([near, far, other]), [true, false, false]);
});

test('what is reached already needs no waiting, and a position never goes back', async () => {
  const positions = new Positions();
  positions.moved('timeline', 'rooms', 0, 10);
  positions.moved('timeline', 'rooms', 0, 7);
  assert.equal(positions.next('timeline', 'rooms', 0), 10);
  assert.equal(await positions.waitFor('timeline', 'rooms', 0, 9, 0), true);
  assert.equal(await positions.waitFor('timeline', 'rooms', 0, 10, 0), false);
});

test('a switch to another schema may set a position back', () => {
  const positions = new Positions();
  const told: number[] = [];
  const silence = positions.listen((_model, _topic, _partition, next) => told.push(next));
  positions.moved('timeline', 'rooms', 0, 10);
  positions.reset('timeline', 'rooms', 0, 6);
  silence();
  positions.moved('timeline', 'rooms', 0, 11);
  assert.deepEqual([told, positions.next('timeline', 'rooms', 0)], [[10, 6], 11]);
});

test('who would gather records learns at once that somebody waits', async () => {
  const positions = new Positions();
  const began = performance.now();
  const wanted = positions.wanted('timeline', 'rooms', 0, 5_000);
  const waiting = positions.waitFor('timeline', 'rooms', 0, 1, 5_000);
  await wanted;
  await positions.wanted('timeline', 'rooms', 0, 5_000);
  assert.ok(performance.now() - began < 4_000);
  positions.moved('timeline', 'rooms', 0, 2);
  assert.equal(await waiting, true);
});
