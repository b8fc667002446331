import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diff } from './diff.ts';
import { StateTreeError } from './errors.ts';
import type { StateChange } from './state-change.ts';
import { StateTree } from './state-tree.ts';
import { eventId, KEY_PATHS, members, stateArb } from './trees.fixture.ts';

function naiveDiff(before: StateTree, after: StateTree): StateChange[] {
  const changes: StateChange[] = [];
  for (const { type, stateKey, eventId: id } of before.entries()) {
    const now = after.get(type, stateKey);
    if (now === undefined) changes.push({ type, stateKey, before: id });
    else if (now !== id) changes.push({ type, stateKey, before: id, after: now });
  }
  for (const { type, stateKey, eventId: id } of after.entries()) {
    if (before.get(type, stateKey) === undefined) changes.push({ type, stateKey, after: id });
  }
  return changes;
}

function sorted(changes: Iterable<StateChange>): string[] {
  return [...changes].map((c) => JSON.stringify([c.type, c.stateKey, c.before ?? 0, c.after ?? 0])).sort();
}

describe('diff', () => {
  for (const [name, keyPath] of Object.entries(KEY_PATHS)) {
    it(`is the naive difference, and applied to one state gives the other (keys placed by ${name})`, () => {
      fc.assert(
        fc.property(stateArb, stateArb, fc.boolean(), (a, b, related) => {
          const before = StateTree.fromEntries(a, keyPath);
          const changes = b.map((e) => ({ ...e, after: e.eventId }));
          const after = related ? before.apply(changes) : StateTree.fromEntries(b, keyPath);
          const found = [...diff(before, after)];
          assert.deepEqual(sorted(found), sorted(naiveDiff(before, after)));
          assert.equal(before.apply(found).root, after.root);
        }),
        { numRuns: 150 },
      );
    });
  }

  it('opens six branches at most for one key of 100,000, and none for equal states', () => {
    const before = StateTree.fromEntries(members(100_000));
    for (const n of [0, 1, 777, 50_000, 99_999, 100_001]) {
      const visits = { branches: 0 };
      const stateKey = `@user${n}:example.org`;
      const after = before.set('m.room.member', stateKey, eventId(-1));
      const old = before.get('m.room.member', stateKey);
      assert.deepEqual(
        [...diff(before, after, visits)],
        [{ type: 'm.room.member', stateKey, ...(old && { before: old }), after: eventId(-1) }],
      );
      assert.ok(visits.branches <= 6, `${visits.branches} branches`);
    }
    const visits = { branches: 0 };
    assert.deepEqual([...diff(before, StateTree.fromEntries(members(100_000)), visits)], []);
    assert.equal(visits.branches, 0);
  });

  it('opens no more than six branches for each of 100 changes among 20,000, whichever tree is built anew', () => {
    const all = members(20_000);
    const changed = all.map((e, i) => (i % 200 === 0 ? { ...e, eventId: eventId(-i - 1) } : e));
    const visits = { branches: 0 };
    const found = [...diff(StateTree.fromEntries(all), StateTree.fromEntries(changed), visits)];
    assert.equal(found.length, 100);
    assert.ok(visits.branches <= 600, `${visits.branches} branches`);
  });

  it('refuses trees that place their keys differently', () => {
    const other = StateTree.fromEntries(members(9), () => 'constant');
    assert.throws(
      () => [...diff(StateTree.empty, other)],
      (e) => e instanceof StateTreeError && e.fault === 'incomparable',
    );
  });
});
