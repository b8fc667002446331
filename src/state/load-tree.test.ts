import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StateTreeError } from './errors.ts';
import { loadTree } from './load-tree.ts';
import { lookUp } from './look-up.ts';
import { newNodes } from './new-nodes.ts';
import { leafOf } from './node.ts';
import { encodeNode } from './node-encode.ts';
import { EMPTY_ROOT, StateTree } from './state-tree.ts';
import {
  emptyWith,
  eventId,
  KEY_PATHS,
  keyArb,
  MemoryNodeStore,
  members,
  stateArb,
} from './trees.fixture.ts';

const fault = (expected: string) => (e: unknown) => e instanceof StateTreeError && e.fault === expected;

async function stored(...trees: StateTree[]): Promise<MemoryNodeStore> {
  const store = new MemoryNodeStore();
  for (const tree of trees) await store.putMany(newNodes(tree));
  return store;
}

describe('a state in a node store', () => {
  for (const [name, keyPath] of Object.entries(KEY_PATHS)) {
    it(`is loaded as it was, from the new nodes of each change alone (keys placed by ${name})`, async () => {
      await fc.assert(
        fc.asyncProperty(stateArb, stateArb, keyArb, async (a, b, [type, stateKey]) => {
          const empty = emptyWith(keyPath);
          const one = StateTree.fromEntries(a, keyPath);
          const two = one.apply(b.map((e, i) => (i % 3 === 0 ? { ...e } : { ...e, after: e.eventId })));
          const store = new MemoryNodeStore();
          await store.putMany(newNodes(one, empty));
          await store.putMany(newNodes(two, one));
          for (const shared of [empty, one, two]) {
            const loaded = await loadTree(store, two.root, shared);
            assert.deepEqual([...loaded.entries()], [...two.entries()]);
            assert.equal(loaded.root, two.root);
            // Hashes are remembered from the names; made anew they must be the same.
            assert.equal(StateTree.fromEntries(loaded.entries(), keyPath).root, two.root);
          }
          assert.equal(await lookUp(store, two.root, type, stateKey, keyPath), two.get(type, stateKey));
        }),
        { numRuns: 60 },
      );
    });
  }

  it('can be changed after loading as if it had never been stored', async () => {
    const tree = StateTree.fromEntries(members(3000));
    const loaded = await loadTree(await stored(tree), tree.root);
    const change = (t: StateTree) =>
      t.set('m.room.name', '', eventId(1)).remove('m.room.member', '@user5:example.org');
    assert.equal(change(loaded).root, change(tree).root);
  });

  it('is read level by level, and only where it differs from the tree it may share with', async () => {
    const near = StateTree.fromEntries(members(20_000));
    const tree = near.set('m.room.member', '@user5:example.org', eventId(-5));
    const store = await stored(tree);
    await loadTree(store, tree.root);
    assert.ok(store.calls <= 6, `${store.calls} round trips`);
    assert.equal(store.reads, store.nodes.size);
    store.reads = 0;
    const loaded = await loadTree(store, tree.root, near);
    assert.ok(store.reads <= 6, `${store.reads} nodes`);
    assert.equal(loaded.get('m.room.member', '@user5:example.org'), eventId(-5));
    store.reads = 0;
    assert.equal(await lookUp(store, tree.root, 'm.room.member', '@user5:example.org'), eventId(-5));
    assert.ok(store.reads <= 6, `${store.reads} nodes`);
  });

  it('needs no store when it is empty', async () => {
    const store = new MemoryNodeStore();
    assert.equal((await loadTree(store, EMPTY_ROOT)).size, 0);
    assert.equal(await lookUp(store, EMPTY_ROOT, 'm.room.name', ''), undefined);
    assert.equal(store.calls, 0);
  });

  it('is refused when a node is missing or is not what its name says', async () => {
    const tree = StateTree.fromEntries(members(100));
    for (const { name, bytes } of newNodes(tree)) {
      const store = await stored(tree);
      store.nodes.delete(name);
      await assert.rejects(loadTree(store, tree.root), fault('missing'));
      const other = Buffer.from(bytes);
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
      store.nodes.set(name, other);
      await assert.rejects(loadTree(store, tree.root), fault('corrupt'));
    }
  });

  it('is refused when a branch miscounts what is beneath it, or a collision stands where no path ends', async () => {
    const { top } = StateTree.fromEntries(members(100));
    assert.ok(top.kind === 'branch');
    const miscounted = new StateTree({ ...top, size: 99, hash: undefined }, StateTree.empty.keyPath);
    await assert.rejects(loadTree(await stored(miscounted), miscounted.root), fault('corrupt'));
    const collision = new StateTree(
      leafOf([...StateTree.fromEntries(members(9), () => 'x').entries()]),
      StateTree.empty.keyPath,
    );
    assert.equal(encodeNode(collision.top)[0], 0x13);
    await assert.rejects(loadTree(await stored(collision), collision.root), fault('corrupt'));
  });
});
