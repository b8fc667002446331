import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { balance, type Member } from './balance.ts';

function member(id: string, held: readonly number[] = [], generation = 1): Member {
  return { id, node: `http://${id}`, held, generation };
}

/** Rounds of the protocol: whoever has to let go of slots does, and joins again. */
function settle(slots: number, members: readonly Member[]): { members: readonly Member[]; rounds: number } {
  let now = members;
  for (let rounds = 1; ; rounds++) {
    const dealt = balance(slots, now);
    const next = now.map((one) => ({ ...one, held: dealt.get(one.id) ?? [], generation: rounds + 1 }));
    const letGo = now.some((one) => one.held.some((slot) => !dealt.get(one.id)?.includes(slot)));
    now = next;
    if (!letGo) return { members: now, rounds };
  }
}

describe('dealing slots to members', () => {
  test('a lone member gets all', () => {
    assert.deepEqual(balance(3, [member('a')]).get('a'), [0, 1, 2]);
  });

  test('a slot that has to move is given to nobody while its holder has it', () => {
    const dealt = balance(4, [member('a', [0, 1, 2, 3]), member('b')]);
    assert.deepEqual([dealt.get('a'), dealt.get('b')], [[0, 1], []]);
    const next = balance(4, [member('a', [0, 1]), member('b')]);
    assert.deepEqual(
      [next.get('a'), next.get('b')],
      [
        [0, 1],
        [2, 3],
      ],
    );
  });

  test('the slots of a member that is gone go to the others, and theirs stay', () => {
    const dealt = balance(6, [member('a', [0, 1]), member('b', [2, 3])]);
    assert.deepEqual(
      [dealt.get('a'), dealt.get('b')],
      [
        [0, 1, 4],
        [2, 3, 5],
      ],
    );
  });

  test('of two that claim one slot, the one with the later generation has it', () => {
    const dealt = balance(2, [member('a', [0, 1], 3), member('b', [1], 4)]);
    assert.deepEqual([dealt.get('a'), dealt.get('b')], [[0], [1]]);
  });

  test('whatever was held, two rounds make it fair, nothing is held twice, and little moves', () => {
    const groups = fc.record({
      slots: fc.integer({ min: 1, max: 64 }),
      count: fc.integer({ min: 1, max: 9 }),
      seed: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 64, maxLength: 64 }),
    });
    fc.assert(
      fc.property(groups, ({ slots, count, seed }) => {
        const heldBy = (index: number) =>
          seed.flatMap((owner, slot) => (owner === index && slot < slots ? [slot] : []));
        const before = Array.from({ length: count }, (_, index) => member(`m${index}`, heldBy(index)));
        const { members, rounds } = settle(slots, before);
        const all = members.flatMap((one) => one.held);
        assert.equal(new Set(all).size, slots);
        assert.equal(all.length, slots);
        const sizes = members.map((one) => one.held.length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
        assert.ok(rounds <= 2);
        for (const [index, one] of members.entries()) {
          const kept = one.held.filter((slot) => before[index]?.held.includes(slot)).length;
          assert.ok(kept >= Math.min(before[index]?.held.length ?? 0, Math.floor(slots / count)));
        }
      }),
    );
  });
});
