import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { scanDepths } from './unread-scan.ts';

it('what rooms with few unread leave goes to those with more, in equal parts', () => {
  assert.deepEqual(scanDepths([10, 10_000], 10_000), [10, 10_000]);
  assert.deepEqual(scanDepths([30_000, 10, 600], 10_000), [10_400, 10, 600]);
  assert.deepEqual(scanDepths([20_000, 20_000], 10_000), [5_500, 5_500]);
  assert.deepEqual(scanDepths([], 10_000), []);
});

it('each room has its newest 500 looked at, none more than are unread, and all together so many more', () => {
  const counts = fc.array(fc.oneof(fc.nat(1_000), fc.nat(50_000)), { maxLength: 30 });
  fc.assert(
    fc.property(counts, fc.nat(20_000), (unread, more) => {
      const depths = scanDepths(unread, more);
      const least = unread.map((count) => Math.min(count, 500));
      for (const [index, depth] of depths.entries()) {
        assert.ok(depth >= (least[index] ?? 0) && depth <= (unread[index] ?? 0));
      }
      const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0);
      const wanted = sum(unread) - sum(least);
      const given = sum(depths) - sum(least);
      assert.ok(given <= more);
      // Nothing is left over that somebody wants, but for what cannot be shared out.
      assert.ok(given >= Math.min(wanted, more) - unread.length);
    }),
  );
});
