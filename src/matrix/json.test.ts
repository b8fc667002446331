import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isJsonObject, type JsonObject, ownObject, ownString, ownValue, withoutKeys } from './json.ts';

const object = JSON.parse('{"s":"text","n":1,"o":{"a":1},"l":[],"z":null,"__proto__":{"x":1}}') as JsonObject;

it('an object is no array and not null', () => {
  assert.ok(isJsonObject({}));
  for (const value of [null, [], 'x', 1, true, undefined]) assert.ok(!isJsonObject(value));
});

it("only an object's own values are found, __proto__ among them", () => {
  assert.deepEqual(ownValue(object, '__proto__'), { x: 1 });
  assert.equal(ownValue(object, 'z'), null);
  for (const key of ['constructor', 'toString', 'x', '']) assert.equal(ownValue(object, key), undefined);
  assert.equal(ownValue({}, '__proto__'), undefined);
});

it('strings and objects are found when they are such', () => {
  assert.equal(ownString(object, 's'), 'text');
  for (const key of ['n', 'o', 'z', 'constructor']) assert.equal(ownString(object, key), undefined);
  assert.deepEqual(ownObject(object, 'o'), { a: 1 });
  for (const key of ['s', 'l', 'z', 'constructor']) assert.equal(ownObject(object, key), undefined);
});

it('a copy without keys keeps the others as they are', () => {
  const copy = withoutKeys(object, new Set(['s', 'o', 'missing']));
  assert.equal(JSON.stringify(copy), '{"n":1,"l":[],"z":null,"__proto__":{"x":1}}');
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.equal(
    JSON.stringify(withoutKeys(object, new Set(['__proto__', 'o']))),
    '{"s":"text","n":1,"l":[],"z":null}',
  );
});
