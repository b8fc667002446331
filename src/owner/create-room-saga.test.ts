import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { asRoomAlias, asRoomId } from '../matrix/identifiers.ts';
import { ALICE, newRoom } from '../rooms/new-room.fixture.ts';
import { freshCommandId } from './command-id.ts';
import type { CommandBus, CreateRoom } from './commands.ts';
import { runCreateRoom } from './create-room-saga.ts';
import { emptyLoader, MemoryLog, openOwner, testKeys } from './memory-house.fixture.ts';
import { openSagas } from './open-sagas.ts';
import type { SlotOwner } from './slot-owner.ts';
import { subjectOf } from './subject.ts';

const ALIAS = asRoomAlias('#here:test.example');
const STEPS = ['started', 'reserved', 'created', 'settled', 'listed'] as const;
const { signer } = await testKeys();

/** Every slot is this owner's. */
function busOf(owner: SlotOwner): CommandBus {
  return { execute: (command) => owner.execute(subjectOf(command), command) };
}

function command(): CreateRoom {
  return { ...newRoom(signer, { id: freshCommandId(), alias: ALIAS }), visibility: 'public' };
}

const types = (log: MemoryLog): string[] => log.records.map((record) => record.fact.type);

for (const crash of STEPS) {
  test(`a room’s saga that dies after the step “${crash}” is finished by the next owner`, async () => {
    const log = new MemoryLog();
    const owner = await openOwner(log);
    const room = command();
    const stepDone = (step: string): void => {
      // What a kill does to the process: nothing that follows is run.
      if (step === crash) throw new MilenaError('UNAVAILABLE', 'killed');
    };
    await assert.rejects(runCreateRoom(room, { owner, bus: busOf(owner), stepDone }));
    const next = await openOwner(log);
    for (const saga of await openSagas(0, log.slot(0), emptyLoader)) {
      await runCreateRoom(JSON.parse(saga.command), {
        owner: next,
        bus: busOf(next),
        stepDone: () => undefined,
      });
    }
    const once = ['saga_started', 'alias_reserved', 'alias_set', 'room_listed', 'saga_ended'];
    for (const type of once) assert.equal(types(log).filter((one) => one === type).length, 1, type);
    assert.equal(types(log).filter((type) => type === 'room_event').length, 4);
    assert.deepEqual(await openSagas(0, log.slot(0), emptyLoader), []);
  });
}

test('a room whose alias is taken is not made, and its saga is undone on the record', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const bus = busOf(owner);
  await bus.execute({
    kind: 'set_alias',
    id: freshCommandId(),
    at: 1,
    alias: ALIAS,
    room_id: asRoomId('!other'),
    creator: ALICE,
  });
  const created = runCreateRoom(command(), { owner, bus, stepDone: () => undefined });
  await assert.rejects(created, (error) => isMilenaError(error, 'ROOM_IN_USE'));
  assert.deepEqual(types(log), ['alias_set', 'saga_started', 'saga_ended']);
  const ended = log.records.at(-1)?.fact;
  assert.ok(ended?.type === 'saga_ended');
  assert.equal(ended.value.outcome, 'undone');
  assert.equal(ended.value.error, 'ROOM_IN_USE');
});

test('a room that its own events forbid is undone, and its alias is free again', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const bus = busOf(owner);
  const bad = { type: 'm.room.power_levels', state_key: '', content: { users: { [ALICE]: 100 } } };
  const room: CreateRoom = { ...newRoom(signer, { id: freshCommandId(), alias: ALIAS, events: [bad] }) };
  await assert.rejects(runCreateRoom(room, { owner, bus, stepDone: () => undefined }), (error) =>
    isMilenaError(error, 'INVALID_ROOM_STATE'),
  );
  assert.deepEqual(types(log), ['saga_started', 'alias_reserved', 'alias_removed', 'saga_ended']);
});

test('the answer says where each of its slots has written, so that its maker reads the alias and the listing', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const { written, alsoWritten } = await runCreateRoom(command(), {
    owner,
    bus: busOf(owner),
    stepDone: () => undefined,
  });
  const factAt = (place: { readonly topic: string; readonly offset: number } | undefined) =>
    log.records.find(({ topic, offset }) => topic === place?.topic && offset === place.offset)?.fact.type;
  assert.equal(factAt(written), 'saga_ended');
  assert.deepEqual(alsoWritten?.map(factAt), ['alias_set', 'room_listed']);
});
