import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareEntries, stateEntry } from './entry.ts';
import { eventId } from './trees.fixture.ts';

describe('compareEntries', () => {
  it('orders by the UTF-8 bytes of the type, then of the state key', () => {
    // Units around the surrogates, where the order of UTF-16 is another one.
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
    });
    fc.assert(
      fc.property(text, text, text, text, (t1, k1, t2, k2) => {
        const expected =
          Buffer.compare(Buffer.from(t1), Buffer.from(t2)) ||
          Buffer.compare(Buffer.from(k1), Buffer.from(k2));
        const found = compareEntries(stateEntry(t1, k1, eventId(1)), stateEntry(t2, k2, eventId(2)));
        assert.equal(Math.sign(found), expected);
      }),
    );
  });
});
