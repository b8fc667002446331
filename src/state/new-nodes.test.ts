import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { newNodes } from './new-nodes.ts';
import { EMPTY_ROOT, StateTree } from './state-tree.ts';
import { emptyWith, eventId, KEY_PATHS, members, stateArb } from './trees.fixture.ts';

function names(nodes: ReturnType<typeof newNodes>): string[] {
  return [...nodes].map(({ name }) => name);
}

describe('newNodes', () => {
  for (const [name, keyPath] of Object.entries(KEY_PATHS)) {
    it(`are all nodes of one tree that the other hasn't, each once (keys placed by ${name})`, () => {
      fc.assert(
        fc.property(stateArb, stateArb, fc.boolean(), (a, b, related) => {
          const since = StateTree.fromEntries(a, keyPath);
          const changes = b.map((e) => ({ ...e, after: e.eventId }));
          const tree = related ? since.apply(changes) : StateTree.fromEntries(b, keyPath);
          const old = new Set(names(newNodes(since, emptyWith(keyPath))));
          const found = names(newNodes(tree, since));
          const all = names(newNodes(tree, emptyWith(keyPath)));
          assert.deepEqual(found.sort(), all.filter((n) => !old.has(n)).sort());
        }),
        { numRuns: 100 },
      );
    });
  }

  it('are at most six for a key set in, added to or removed from a state of 100,000', () => {
    const tree = StateTree.fromEntries(members(100_000));
    assert.equal(tree.size, 100_000);
    let most = 0;
    const count = (after: StateTree) => {
      let nodes = 0;
      for (const _ of newNodes(after, tree)) nodes++;
      most = Math.max(most, nodes);
    };
    for (let i = 0; i < 6000; i++) {
      const old = `@user${(i * 7919) % 100_000}:example.org`;
      count(tree.set('m.room.member', old, eventId(-1)));
      count(tree.set('m.room.member', `@new${i}:example.org`, eventId(i)));
      count(tree.remove('m.room.member', old));
    }
    assert.ok(most <= 6, `${most} nodes`);
    assert.ok(most >= 4, `only ${most} nodes: the state is not as large as it should be`);
  });

  it('are six at most for every one of the 100,000 keys', () => {
    const { top } = StateTree.fromEntries(members(100_000));
    let level = [top];
    let depth = 0;
    for (; level.length > 0; depth++) {
      level = level.flatMap((n) => (n.kind === 'leaf' ? [] : n.children.filter((c) => c?.kind === 'branch')));
    }
    // `depth` is now the number of branches on the longest path: all that a set can write.
    assert.ok(depth <= 6, `${depth} branches on a path`);
  });

  it('are one for a small room, and none for the empty state or for no change', () => {
    const small = StateTree.fromEntries(members(10));
    assert.deepEqual(names(newNodes(small)), [small.root]);
    assert.deepEqual(names(newNodes(small, StateTree.fromEntries(members(10)))), []);
    assert.deepEqual(names(newNodes(StateTree.empty)), []);
    assert.notEqual(small.root, EMPTY_ROOT);
  });
});
