import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mapBounded } from './bounded.ts';

describe('bounded work', () => {
  it('is done for every item once, never more than so many at a time, and keeps the order', async () => {
    let running = 0;
    let most = 0;
    const results = await mapBounded([5, 1, 4, 2, 3], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, item));
      running -= 1;
      return item * 10;
    });
    assert.deepEqual(results, [50, 10, 40, 20, 30]);
    assert.equal(most, 2);
  });

  it('fails with the first failure', async () => {
    await assert.rejects(
      mapBounded([1, 2, 3], 2, async (item) => {
        if (item === 2) throw new Error('two');
      }),
      /two/,
    );
  });

  it('of nothing is nothing', async () => {
    assert.deepEqual(await mapBounded([], 4, async () => 1), []);
  });
});
