import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '../../src/log/port.ts';
import { addDigest, digestFromBytes, digestToBytes, emptyDigest, recordDigest } from './digest.ts';

const record = (offset: number, text: string | null): LogRecord => ({
  topic: 'rooms',
  partition: 0,
  offset,
  epoch: 0,
  key: 'room',
  type: 'room_event',
  at: 0,
  value: text === null ? null : Buffer.from(text),
});

function sum(records: readonly LogRecord[]): string {
  const digest = emptyDigest();
  for (const one of records) addDigest(digest, recordDigest(one));
  return digestToBytes(digest).toString('hex');
}

test('the order of records does not matter, what they are and where does', () => {
  const [a, b, c] = [record(1, 'a'), record(2, 'b'), record(3, null)];
  assert.equal(sum([a, b, c]), sum([c, a, b]));
  const others = [
    [a, b],
    [a, b, c, c],
    [a, b, record(4, null)],
    [a, record(2, 'x'), c],
    [record(1, 'b'), record(2, 'a'), c],
  ];
  for (const other of others) assert.notEqual(sum([a, b, c]), sum(other));
});

test('a digest comes back from its bytes', () => {
  const digest = recordDigest(record(1, 'a'));
  assert.deepEqual(digestFromBytes(digestToBytes(digest)), digest);
});
