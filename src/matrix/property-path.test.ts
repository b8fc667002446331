import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { JsonObject } from './json.ts';
import { parsePropertyPath, valueAt } from './property-path.ts';

it('paths split at dots that are not escaped', () => {
  assert.deepEqual(parsePropertyPath('content.body'), ['content', 'body']);
  assert.deepEqual(parsePropertyPath('content.m\\.relates_to'), ['content', 'm.relates_to']);
  assert.deepEqual(parsePropertyPath('content.m\\\\foo'), ['content', 'm\\foo']);
  assert.deepEqual(parsePropertyPath('a\\x.b'), ['a\\x', 'b']);
  assert.deepEqual(parsePropertyPath('a\\\\.b'), ['a\\', 'b']);
  assert.deepEqual(parsePropertyPath('a..b.'), ['a', '', 'b', '']);
  assert.deepEqual(parsePropertyPath('a\\'), ['a\\']);
});

it('only own properties of objects are followed', () => {
  const value = { a: { b: [1], '': null }, s: 'text' };
  assert.deepEqual(valueAt(value, ['a', 'b']), [1]);
  assert.equal(valueAt(value, ['a', '']), null);
  for (const path of [
    ['a', 'c'],
    ['a', 'b', '0'],
    ['s', 'length'],
    ['constructor'],
    ['a', '__proto__'],
    ['x', 'y'],
  ]) {
    assert.equal(valueAt(value, path), undefined, path.join('.'));
  }
  assert.equal(valueAt(JSON.parse('{"__proto__":{"x":1}}') as JsonObject, ['__proto__', 'x']), 1);
});
