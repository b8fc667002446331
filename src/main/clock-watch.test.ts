import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockWatch } from './clock-watch.ts';

function watched(newestRecord = 0) {
  const clock = { wall: 1_000_000, monotonic: 5 };
  const told: (readonly [number, string])[] = [];
  const watch = new ClockWatch({
    wall: () => clock.wall,
    monotonic: () => clock.monotonic,
    newestRecord,
    warn: ({ behindMs }, text) => told.push([behindMs, text]),
  });
  const pass = (ms: number, wallToo = ms): void => {
    clock.monotonic += ms;
    clock.wall += wallToo;
    watch.check();
  };
  return { watch, pass, told };
}

test('a clock that goes on, jumps ahead, or is slowed down little by little is not told', () => {
  const { pass, told } = watched();
  pass(1_000);
  pass(1_000, 3_600_000);
  for (let i = 0; i < 100; i += 1) pass(1_000, 500);
  assert.deepEqual(told, []);
});

test('a clock that is set back is told once, and how far it is behind until it has caught up', () => {
  const { watch, pass, told } = watched();
  pass(1_000);
  pass(1_000, 1_000 - 3_600_000);
  assert.deepEqual(
    told.map(([behind]) => behind),
    [3_600_000],
  );
  assert.match(told[0]?.[1] ?? '', /^the clock has gone back/);
  pass(600_000);
  assert.equal(watch.behindMs, 3_000_000);
  pass(3_000_000);
  pass(1_000);
  assert.deepEqual([watch.behindMs, told.length], [0, 1]);
  pass(1_000, -5_000);
  assert.equal(told.length, 2, 'and told again the next time');
});

test('a clock that is behind the newest record at the start is told', () => {
  const { watch, told } = watched(1_090_000);
  assert.deepEqual(
    told.map(([behind]) => behind),
    [90_000],
  );
  assert.match(told[0]?.[1] ?? '', /^the clock is behind the newest record on the log/);
  assert.equal(watch.behindMs, 90_000);
  assert.deepEqual(watched(1_000_500).told, [], 'half a second is no step');
});
