import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { slotOf } from '../log/slot.ts';
import { newToken, tokenHash, tokenSlot } from './access-token.ts';

describe('an access token', () => {
  const token = newToken('mln', '@alice:test.example', randomBytes(32));

  it('names the slot of its user, for any number of slots', () => {
    for (const slots of [1, 8, 64]) {
      assert.equal(tokenSlot(token, slots), slotOf('@alice:test.example', slots));
    }
  });

  it('is refused at sight when any character of it was changed', () => {
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      assert.equal(tokenSlot(token.slice(0, at) + other + token.slice(at + 1), 8), undefined);
    }
    assert.equal(tokenSlot('', 8), undefined);
  });

  it('is another each time, and its hash has 64 hex digits', () => {
    assert.notEqual(newToken('mln', '@alice:test.example', randomBytes(32)), token);
    assert.match(tokenHash(token), /^[0-9a-f]{64}$/);
  });
});
