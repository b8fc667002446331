import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeToken, encodeToken } from './token.ts';

const offsets = (slots: number) =>
  fc.array(fc.oneof(fc.constant(0), fc.nat({ max: Number.MAX_SAFE_INTEGER })), {
    minLength: slots,
    maxLength: slots,
  });
const positions = fc.constantFrom(1, 8, 12, 64).chain((slots) =>
  fc.record({
    slots: fc.constant(slots),
    position: fc.record(
      { rooms: offsets(slots), user_values: offsets(slots), ephemeral: offsets(slots) },
      { noNullPrototype: true },
    ),
  }),
);

test('a token says the position that it was made of', () => {
  fc.assert(
    fc.property(positions, ({ slots, position }) => {
      assert.deepEqual(decodeToken(encodeToken('g', position), 'g', slots), position);
    }),
  );
});

test('the token of another log, of other slots, cut or made up, is none', () => {
  const position = { rooms: [1, 2], user_values: [3, 0], ephemeral: [0, 500] };
  const token = encodeToken('g', position);
  assert.equal(decodeToken(token, 'other', 2), undefined);
  assert.equal(decodeToken(token, 'g', 64), undefined);
  for (let length = 0; length < token.length - 1; length += 1) {
    assert.equal(decodeToken(token.slice(0, length), 'g', 2), undefined);
  }
  fc.assert(fc.property(fc.string(), (text) => decodeToken(text, 'g', 2) === undefined));
});

test('an ordinary user’s token on eight slots has less than 300 characters', () => {
  const full = Array.from({ length: 8 }, () => 10_000_000);
  assert.ok(encodeToken('g', { rooms: full, user_values: full, ephemeral: full }).length < 300);
});
