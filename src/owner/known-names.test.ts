import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { transactionCommandId } from './command-id.ts';
import { KnownNames } from './known-names.ts';

const idOf = (txn: string) => transactionCommandId('@a:b', 'PHONE', 'PUT', '/send', txn);

test('what was noted may be known, and what was not is new', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 50 }), fc.nat(50), (txns, split) => {
      const names = new KnownNames(txns.slice(0, split).map(idOf));
      for (const [index, txn] of txns.entries()) assert.equal(names.mayHave(idOf(txn)), index < split);
      for (const txn of txns) names.add(idOf(txn));
      assert.ok(txns.every((txn) => names.mayHave(idOf(txn))));
    }),
  );
});
