import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EventId } from '../matrix/identifiers.ts';
import { StateTreeError } from './errors.ts';
import { referenceRoot } from './reference-root.fixture.ts';
import { rootBytes, rootFromBytes } from './root.ts';
import { EMPTY_ROOT, StateTree } from './state-tree.ts';
import { emptyWith, eventId, eventIdArb, KEY_PATHS, keyArb, members, stateArb } from './trees.fixture.ts';

type Step = readonly [key: readonly [string, string], to: EventId | undefined];

const stepArb: fc.Arbitrary<Step> = fc.tuple(keyArb, fc.option(eventIdArb, { nil: undefined, freq: 2 }));

/** The plain map that the tree is held against. */
class Model {
  readonly entries = new Map<string, EventId>();

  step([key, to]: Step): void {
    if (to === undefined) this.entries.delete(JSON.stringify(key));
    else this.entries.set(JSON.stringify(key), to);
  }

  list() {
    return [...this.entries].map(([key, id]) => {
      const [type, stateKey] = JSON.parse(key) as [string, string]; // written by `step`
      return { type, stateKey, eventId: id };
    });
  }
}

function take(tree: StateTree, [[type, stateKey], to]: Step): StateTree {
  return to === undefined ? tree.remove(type, stateKey) : tree.set(type, stateKey, to);
}

for (const [name, keyPath] of Object.entries(KEY_PATHS)) {
  describe(`a state tree whose keys are placed by ${name}`, () => {
    it('holds what a plain map holds after any sets and removals, with the root of a tree built at once', () => {
      fc.assert(
        fc.property(fc.array(stepArb, { maxLength: 120 }), (steps) => {
          const model = new Model();
          let tree = emptyWith(keyPath);
          for (const step of steps) {
            model.step(step);
            tree = take(tree, step);
            assert.equal(tree.size, model.entries.size);
          }
          assert.deepEqual(
            new Map([...tree.entries()].map((e) => [JSON.stringify([e.type, e.stateKey]), e.eventId])),
            model.entries,
          );
          for (const [[type, stateKey]] of steps) {
            assert.equal(tree.get(type, stateKey), model.entries.get(JSON.stringify([type, stateKey])));
          }
          assert.equal(tree.root, StateTree.fromEntries(model.list(), keyPath).root);
        }),
        { numRuns: 150 },
      );
    });

    it('has the same entries in the same order and the same root whatever the order of sets', () => {
      const shuffled = stateArb.chain((state) =>
        fc.tuple(fc.constant(state), fc.shuffledSubarray(state, { minLength: state.length })),
      );
      fc.assert(
        fc.property(shuffled, fc.array(keyArb), ([state, other], passing) => {
          const one = emptyWith(keyPath).apply(state.map((e) => ({ ...e, after: e.eventId })));
          // The second tree also meets keys that don't stay.
          const stay = new Set(state.map((e) => JSON.stringify([e.type, e.stateKey])));
          const gone = passing.filter((key) => !stay.has(JSON.stringify(key)));
          let two = emptyWith(keyPath);
          for (const [type, stateKey] of gone) two = two.set(type, stateKey, eventId(9));
          for (const e of other) two = two.set(e.type, e.stateKey, e.eventId);
          for (const [type, stateKey] of gone) two = two.remove(type, stateKey);
          assert.equal(one.root, two.root);
          assert.deepEqual([...one.entries()], [...two.entries()]);
        }),
        { numRuns: 150 },
      );
    });

    it('has different roots for different states', () => {
      fc.assert(
        fc.property(stateArb, stepArb, (state, step) => {
          const tree = StateTree.fromEntries(state, keyPath);
          const [[type, stateKey], to] = step;
          assert.equal(take(tree, step).root === tree.root, tree.get(type, stateKey) === to);
        }),
        { numRuns: 150 },
      );
    });
  });
}

describe('StateTree', () => {
  it('has the root that the description of the format gives', () => {
    fc.assert(
      fc.property(stateArb, (state) => {
        assert.equal(StateTree.fromEntries(state).root, referenceRoot(state));
      }),
      { numRuns: 60 },
    );
    assert.equal(StateTree.fromEntries(members(700)).root, referenceRoot(members(700)));
  });

  it('has the roots that records hold already', () => {
    assert.equal(EMPTY_ROOT, GOLDEN.empty);
    assert.equal(StateTree.fromEntries(members(4)).root, GOLDEN.four);
    assert.equal(StateTree.fromEntries(members(1000)).root, GOLDEN.thousand);
  });

  it('leaves the tree that a change was made from as it was', () => {
    const before = StateTree.fromEntries(members(200));
    const root = before.root;
    const after = before
      .set('m.room.member', '@user7:example.org', eventId(-1))
      .remove('m.room.member', '@user8:example.org');
    assert.equal(before.get('m.room.member', '@user7:example.org'), eventId(7));
    assert.equal(after.get('m.room.member', '@user7:example.org'), eventId(-1));
    assert.equal(after.get('m.room.member', '@user8:example.org'), undefined);
    assert.deepEqual([before.size, after.size], [200, 199]);
    assert.equal(StateTree.fromEntries(before.entries()).root, root);
  });

  it('is the same tree when nothing changes', () => {
    const tree = StateTree.fromEntries(members(200));
    assert.equal(tree.set('m.room.member', '@user7:example.org', eventId(7)), tree);
    assert.equal(tree.remove('m.room.member', '@nobody:example.org'), tree);
    assert.equal(tree.remove('m.room.name', '@user7:example.org'), tree);
  });

  it('is empty again, with the empty root, when all is removed', () => {
    const all = members(300);
    const none = all.reduce((tree, e) => tree.remove(e.type, e.stateKey), StateTree.fromEntries(all));
    assert.deepEqual([none.size, none.root, [...none.entries()]], [0, EMPTY_ROOT, []]);
  });

  it('lets the later of two entries with one key count', () => {
    const tree = StateTree.fromEntries([...members(10), { ...entryOf(3), eventId: eventId(99) }]);
    assert.deepEqual([tree.size, tree.get('m.room.member', '@user3:example.org')], [10, eventId(99)]);
  });

  it('tells (ab, c) from (a, bc)', () => {
    const one = StateTree.empty.set('ab', 'c', eventId(1));
    const two = StateTree.empty.set('a', 'bc', eventId(1));
    assert.notEqual(one.root, two.root);
    assert.equal(one.get('a', 'bc'), undefined);
  });

  it('refuses text that has no UTF-8 form or is too long, and has no such key', () => {
    const tree = StateTree.fromEntries(members(20));
    for (const bad of ['\ud800', 'a\udc00', 'x'.repeat(65_536), 'é'.repeat(32_768)]) {
      const refused = (e: unknown) => e instanceof StateTreeError && e.fault === 'unencodable';
      assert.throws(() => tree.set(bad, '', eventId(1)), refused);
      assert.throws(() => tree.set('a', bad, eventId(1)), refused);
      assert.throws(
        () => StateTree.fromEntries([{ type: 'a', stateKey: 'b', eventId: bad as EventId }]),
        refused,
      );
      assert.equal(tree.get('a', bad), undefined);
      assert.equal(tree.get(bad, ''), undefined);
      assert.equal(tree.remove(bad, bad), tree);
    }
    const longest = 'é'.repeat(32_767);
    assert.equal(tree.set(longest, longest, eventId(1)).get(longest, longest), eventId(1));
  });

  it('has a root that becomes bytes and comes back', () => {
    const { root } = StateTree.fromEntries(members(5));
    assert.equal(rootBytes(root).length, 32);
    assert.equal(rootFromBytes(rootBytes(root)), root);
    assert.throws(() => rootFromBytes(new Uint8Array(31)), StateTreeError);
  });
});

function entryOf(n: number) {
  return { type: 'm.room.member', stateKey: `@user${n}:example.org` };
}

/** Fixed for good: a change here is a change of the format of records. */
const GOLDEN = {
  empty: '0e433258d2bca30c41e4045c6d006b977180f954addf68b649f665157e66f165',
  four: '57ea4784ac4bbe6efd15728df8dd5ce460761b5e58a0ef0f2886c5d91dfc400e',
  thousand: '3415964dc97a85339723bd45dce6817bb59eea378958e5c59bdc5bb96f206083',
};
