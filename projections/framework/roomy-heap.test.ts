import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRoomyHeap } from './roomy-heap.ts';

const TIGHT = ['--max-semi-space-size=16', '--heap-growing-percent=30'];

test('the heap has room while any build runs, and what it had before behind the last of them', async () => {
  const flags: string[] = [];
  const set = (flag: string): void => void flags.push(flag);
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<string>();
  const one = withRoomyHeap(() => first.promise, TIGHT, set);
  const other = withRoomyHeap(() => second.promise, TIGHT, set);
  assert.deepEqual(flags, ['--heap-growing-percent=100']);
  first.reject(new Error('the gate'));
  await assert.rejects(one, /the gate/);
  assert.deepEqual(flags, ['--heap-growing-percent=100']);
  second.resolve('built');
  assert.equal(await other, 'built');
  assert.deepEqual(flags, ['--heap-growing-percent=100', '--heap-growing-percent=30']);
});

test('a heap that nobody has made tight is left alone', async () => {
  const set = (flag: string): void => assert.fail(flag);
  assert.equal(await withRoomyHeap(async () => 1, [], set), 1);
  assert.equal(await withRoomyHeap(async () => 2, ['--heap-growing-percent=200'], set), 2);
});
