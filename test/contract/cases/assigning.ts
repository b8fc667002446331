import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog, SlotAssignment } from '../../../src/log/port.ts';
import type { DeclareCase } from '../case.ts';
import { startOwner } from '../owner-process.ts';
import { eventually } from '../records.ts';

/** What the settlement of slots promises. */
export function assigningCases(declare: DeclareCase): void {
  declare('a node that is alone on an unused log has every slot at once', async ({ log, harness, test }) => {
    const node = await log.open();
    const start = performance.now();
    const one = await joined(node, 'http://one');
    await eventually(() => one.slots.size === harness.slots, harness.takeoverMs);
    test.diagnostic(`after ${Math.round(performance.now() - start)} ms`);
    assert.ok([...one.slots].every((slot) => one.assignment.leaseUntil(slot) > performance.now()));
    await one.assignment.claimed(2, 4711);
    const owners = await node.assignment().owners(true);
    assert.deepEqual(
      owners.map((owner) => owner.node),
      Array.from({ length: harness.slots }, () => 'http://one'),
    );
    assert.equal(owners.find((owner) => owner.slot === 2)?.epoch, 4711);
    await one.assignment.leave();
    assert.equal(one.slots.size, 0);
    assert.ok((await node.assignment().owners(true)).every((owner) => owner.node === undefined));
  });

  declare('a second node gets its share, and no slot is ever held by both', async ({ log, harness }) => {
    const one = await joined(await log.open(), 'http://one');
    await eventually(() => one.slots.size === harness.slots, harness.takeoverMs);
    // Owners take their time to close a slot: nobody else may have it meanwhile.
    const two = await joined(await log.open(), 'http://two');
    let both = 0;
    const looking = new AbortController();
    const look = (async () => {
      while (!looking.signal.aborted) {
        const now = performance.now();
        for (let slot = 0; slot < harness.slots; slot++) {
          const holders = [one, two].filter((node) => node.assignment.leaseUntil(slot) > now);
          if (holders.length > 1 || (one.slots.has(slot) && two.slots.has(slot))) both++;
        }
        await sleep(1);
      }
    })();
    const half = harness.slots / 2;
    await eventually(() => one.slots.size === half && two.slots.size === half, harness.takeoverMs);
    await two.assignment.leave();
    await eventually(() => one.slots.size === harness.slots, harness.takeoverMs);
    looking.abort();
    await look;
    assert.equal(both, 0);
    await one.assignment.leave();
  });

  declare(
    'the slots of a node that is killed go to another within the bound',
    async ({ log, harness, test }) => {
      await using owner = await startOwner(log.recipe, { join: 'http://victim' });
      await eventually(() => owner.slots().size === harness.slots, 30_000);
      const other = await joined(await log.open(), 'http://other');
      await eventually(() => other.slots.size === harness.slots / 2, 2 * harness.takeoverMs);
      owner.signal('SIGKILL');
      const start = performance.now();
      await eventually(() => other.slots.size === harness.slots, harness.takeoverMs);
      test.diagnostic(`after ${Math.round(performance.now() - start)} ms`);
      const owners = await other.assignment.owners(true);
      assert.ok(owners.every((each) => each.node === 'http://other'));
      await other.assignment.leave();
    },
  );

  declare('a node that only looks sees who owns what, and sees it change', async ({ log, harness }) => {
    const looking = (await log.open()).assignment();
    assert.ok((await looking.owners()).every((owner) => owner.node === undefined));
    const one = await joined(await log.open(), 'http://one');
    await eventually(
      async () => (await looking.owners(true)).every((owner) => owner.node === 'http://one'),
      harness.takeoverMs,
    );
    await one.assignment.leave();
    await eventually(
      async () => (await looking.owners(true)).every((owner) => owner.node === undefined),
      harness.takeoverMs,
    );
  });
}

interface Joined {
  readonly assignment: SlotAssignment;
  /** What it was told it has and has not yet closed. */
  readonly slots: ReadonlySet<number>;
}

async function joined(log: EventLog, address: string): Promise<Joined> {
  const slots = new Set<number>();
  const assignment = log.assignment();
  await assignment.join(address, {
    async gained(slot) {
      slots.add(slot);
    },
    async lost(slot) {
      assert.equal(assignment.leaseUntil(slot), 0);
      await sleep(30);
      slots.delete(slot);
    },
  });
  return { assignment, slots };
}
