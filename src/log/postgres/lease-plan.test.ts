import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type LeaseRow, planLeases } from './lease-plan.ts';

const nodeSets = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });

/** Any table: slots of live nodes, of nodes that are gone but not yet buried, and free ones. */
const tables = fc.array(fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e')), { minLength: 1, maxLength: 20 });

describe('plan of leases', () => {
  test('wherever the nodes begin, they come to rest with even shares of all slots', () => {
    fc.assert(
      fc.property(
        nodeSets,
        tables,
        fc.array(fc.nat(), { minLength: 1, maxLength: 10 }),
        (live, start, order) => {
          let leases: LeaseRow[] = start.map((node, slot) => ({
            slot,
            node: node !== null && live.includes(node) ? node : null,
          }));
          // Nodes take their steps in any order, each from what stands in the table then.
          for (let step = 0; step < 60; step++) {
            const round = (order[step % order.length] ?? 0) + step;
            const me = live[round % live.length] ?? '';
            const { take, give } = planLeases(me, live, leases);
            assert.ok(take.length === 0 || give.length === 0);
            leases = leases.map(({ slot, node }) => {
              if (take.includes(slot)) return { slot, node: me };
              return { slot, node: give.includes(slot) ? null : node };
            });
          }
          for (let round = 0; round < 2; round++) leases = stepAll(live, leases);
          const shares = live.map((me) => leases.filter(({ node }) => node === me).length);
          assert.equal(
            shares.reduce((sum, share) => sum + share, 0),
            leases.length,
          );
          assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
          for (const me of live) assert.deepEqual(planLeases(me, live, leases), { take: [], give: [] });
        },
      ),
    );
  });

  test('only free slots are taken and only own ones given, even by a node that is not counted as alive', () => {
    fc.assert(
      fc.property(nodeSets, tables, fc.constantFrom('a', 'b', 'c'), (live, table, me) => {
        const leases = table.map((node, slot) => ({ slot, node }));
        const { take, give } = planLeases(me, live, leases);
        for (const slot of take) assert.equal(leases[slot]?.node, null);
        for (const slot of give) assert.equal(leases[slot]?.node, me);
        if (!live.includes(me)) assert.deepEqual({ take, give }, { take: [], give: [] });
      }),
    );
  });
});

function stepAll(live: readonly string[], leases: readonly LeaseRow[]): LeaseRow[] {
  let table = [...leases];
  for (const me of live) {
    const { take, give } = planLeases(me, live, table);
    table = table.map(({ slot, node }) => {
      if (take.includes(slot)) return { slot, node: me };
      return { slot, node: give.includes(slot) ? null : node };
    });
  }
  return table;
}
