import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlotAssignment } from '../log/port.ts';
import { ALICE, newRoom, send } from '../rooms/new-room.fixture.ts';
import { freshCommandId } from './command-id.ts';
import { aggregateKinds } from './kinds/kinds.ts';
import { emptyLoader, MemoryLog, testKeys } from './memory-house.fixture.ts';
import { type OwnerEvent, OwnerService } from './owner-service.ts';

const keys = await testKeys();

/** Gives its one slot to whoever joins. */
function onlySlot(): SlotAssignment & { valid: boolean } {
  return {
    valid: true,
    join: (_node, { gained }) => gained(0),
    leaseUntil() {
      return this.valid ? Number.POSITIVE_INFINITY : 0;
    },
    owners: async () => [],
    claimed: async () => undefined,
    leave: async () => undefined,
  };
}

function service(log: MemoryLog, assignment: SlotAssignment, renewMs: number) {
  const events: OwnerEvent[] = [];
  const owners: OwnerService = new OwnerService({
    slots: 1,
    assignment,
    node: () => 'http://node',
    slotLog: (slot) => log.slot(slot),
    loader: emptyLoader,
    kinds: aggregateKinds(keys),
    bus: { execute: (command) => owners.execute(command) },
    now: Date.now,
    keep: 100,
    renewMs,
    stepDone: () => undefined,
    report: (event) => events.push(event),
  });
  return { owners, events };
}

test('claims are renewed while commands go on, and every command happens once', async () => {
  const log = new MemoryLog();
  const { owners, events } = service(log, onlySlot(), 5);
  await owners.start();
  const room = newRoom(keys.signer, { id: freshCommandId() });
  await owners.execute(room);
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(
      Array.from({ length: 5 }, () => owners.execute(send(room.room_id, ALICE, freshCommandId()))),
    );
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await owners.stop();
  const epochs = events.filter((event) => event.what === 'opened').map((event) => event.epoch ?? 0);
  assert.ok(epochs.length > 2, `${epochs.length} claims`);
  assert.deepEqual(
    epochs.toSorted((a, b) => a - b),
    epochs,
  );
  assert.equal(log.records.filter((record) => record.fact.type === 'room_event').length, 4 + 150);
});

test('an append whose answer is lost is answered all the same, and happens once', async () => {
  const log = new MemoryLog();
  const { owners } = service(log, onlySlot(), 60_000);
  await owners.start();
  const room = newRoom(keys.signer, { id: freshCommandId() });
  await owners.execute(room);
  log.next = 'lose_answer';
  const { written } = await owners.execute(send(room.room_id, ALICE, freshCommandId()));
  assert.ok(written !== undefined);
  assert.equal(log.records.filter((record) => record.fact.type === 'room_event').length, 5);
  await owners.stop();
});

test('a node whose lease has run out answers nothing', async () => {
  const log = new MemoryLog();
  const assignment = onlySlot();
  const { owners } = service(log, assignment, 60_000);
  await owners.start();
  const room = newRoom(keys.signer, { id: freshCommandId() });
  await owners.execute(room);
  assignment.valid = false;
  await assert.rejects(owners.execute(room), { code: 'NOT_OWNER' });
  await owners.stop();
});
