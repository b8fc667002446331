import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  childKey,
  covers,
  coverWithout,
  type KeyNode,
  LeafKeys,
  leafKey,
  leavesPerBlock,
  treeDepth,
} from './key-tree.ts';

const root: KeyNode = { depth: 0, index: 0, key: Buffer.alloc(32, 7) };
const leaves = fc.integer({ min: 0, max: leavesPerBlock - 1 });
const hex = (key: Uint8Array | undefined) =>
  key === undefined ? undefined : Buffer.from(key).toString('hex');

describe('key tree', () => {
  test('a key is fixed by the root and the path: these are for good', () => {
    assert.equal(
      hex(childKey(root.key, 0)),
      '882878c6dd050adc30bebcbcefd430e390f2d1904375018585d8f1ed48a8e60f',
    );
    assert.equal(
      hex(leafKey([root], 517)),
      'bfd816f89e1c3455bdf04d1feb4754c7ea30cc168161499a767fcbc985c7c271',
    );
    assert.notEqual(hex(childKey(root.key, 0)), hex(childKey(root.key, 1)));
  });

  test('all 1,024 leaves have different keys', () => {
    const keys = Array.from({ length: leavesPerBlock }, (_, leaf) => hex(leafKey([root], leaf)));
    assert.equal(new Set(keys).size, leavesPerBlock);
  });

  test('after erasing any leaves, exactly those have no key and all others have the one they had', () => {
    fc.assert(
      fc.property(fc.array(leaves, { maxLength: 12 }), fc.array(leaves, { maxLength: 12 }), (first, then) => {
        const once = coverWithout([root], new Set(first));
        const twice = coverWithout(once, new Set(then));
        assert.deepEqual(twice, coverWithout([root], new Set([...first, ...then])));
        const erased = new Set([...first, ...then]);
        for (let leaf = 0; leaf < leavesPerBlock; leaf += 1) {
          const expected = erased.has(leaf) ? undefined : hex(leafKey([root], leaf));
          assert.equal(hex(leafKey(twice, leaf)), expected);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('one erasure leaves ten nodes, and none of them is above the leaf', () => {
    fc.assert(
      fc.property(leaves, (leaf) => {
        const left = coverWithout([root], new Set([leaf]));
        assert.equal(left.length, treeDepth);
        assert.ok(!left.some((node) => covers(node, leaf)));
      }),
    );
  });

  test('nodes that cover nothing erased come back as they are', () => {
    const once = coverWithout([root], new Set([5]));
    const again = coverWithout(once, new Set([5]));
    assert.ok(again.length === once.length && again.every((node, index) => node === once[index]));
  });

  test('everything erased leaves nothing', () => {
    const all = new Set(Array.from({ length: leavesPerBlock }, (_, leaf) => leaf));
    assert.deepEqual(coverWithout([root], all), []);
  });

  test('the quick way gives the same keys, in whatever order leaves are asked for', () => {
    fc.assert(
      fc.property(
        fc.array(leaves, { maxLength: 40 }),
        fc.array(leaves, { maxLength: 5 }),
        (asked, erased) => {
          const nodes = coverWithout([root], new Set(erased));
          const quick = new LeafKeys(nodes);
          for (const leaf of [...asked, 0, 1, 2, 3, 1023, 512, 511]) {
            assert.equal(hex(quick.get(leaf)), hex(leafKey(nodes, leaf)));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
