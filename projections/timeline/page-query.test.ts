import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterValues, likePattern } from './page-query.ts';

test('only the star of a pattern stands for anything', () => {
  assert.equal(likePattern('m.room.*'), 'm.room.%');
  assert.equal(likePattern('50%_\\'), '50\\%\\_\\\\');
});

test('a filter that asks for nothing has nulls, and an empty list is no null', () => {
  assert.deepEqual(filterValues(), [null, null, null, null, null, null]);
  assert.notEqual(filterValues({ types: [] })[0], null);
});
