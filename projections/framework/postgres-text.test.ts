import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromPostgresText, toPostgresText } from './postgres-text.ts';

test('every text comes back as it was, and none holds what Postgres cannot', () => {
  const piece = fc.constantFrom('a', '\0', '\u{10ffff}', '0', '1', 'ü', '\u{1f600}');
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('');
      assert.equal(fromPostgresText(toPostgresText(text)), text);
      assert.ok(!toPostgresText(text).includes('\0'));
    }),
  );
});
