import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writtenUnderClaim } from './written-under.ts';

const at = (offset: number, epoch: number) => ({ offset, epoch });

test('all that owners wrote one after the other is valid', () => {
  const reads = [at(110, 100), at(111, 100), at(121, 120), at(130, 120)];
  assert.deepEqual(writtenUnderClaim('rooms', reads, [120]), reads);
  assert.deepEqual(writtenUnderClaim('users', reads, [120]), reads);
});

test('what a fenced owner wrote behind the claim that fenced it is left out', () => {
  const valid = [at(110, 100), at(121, 120), at(125, 120)];
  for (const topic of ['rooms', 'users'] as const) {
    assert.deepEqual(
      writtenUnderClaim(topic, [...valid.slice(0, 2), at(123, 100), ...valid.slice(2)], []),
      valid,
    );
  }
});

test('in rooms also where it comes first, if anything tells of the claim before it', () => {
  const fenced = at(123, 100);
  assert.deepEqual(writtenUnderClaim('rooms', [fenced, at(125, 120)], []), [at(125, 120)]);
  assert.deepEqual(writtenUnderClaim('rooms', [fenced], [120]), []);
  // A claim behind it says nothing about it.
  assert.deepEqual(writtenUnderClaim('rooms', [fenced], [130]), [fenced]);
});
