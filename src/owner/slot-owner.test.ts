import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMilenaError } from '../errors/milena-error.ts';
import type { EventId } from '../matrix/identifiers.ts';
import { ROOM_VERSIONS } from '../matrix/room-versions.ts';
import { ALICE, BOB, member, newRoom, send } from '../rooms/new-room.fixture.ts';
import { freshCommandId, transactionCommandId } from './command-id.ts';
import type { Command } from './commands.ts';
import type { Loader } from './loader.ts';
import { emptyLoader, MemoryLog, openOwner, testKeys } from './memory-house.fixture.ts';
import type { SlotOwner } from './slot-owner.ts';
import { subjectOf } from './subject.ts';

const { signer } = await testKeys();
const run = (owner: SlotOwner, command: Command) => owner.execute(subjectOf(command), command);
const events = (log: MemoryLog) => log.records.filter((record) => record.fact.type === 'room_event');

for (const { id: version } of ROOM_VERSIONS) {
  test(`a room of version ${version} is made in one append, and others join and talk in it`, async () => {
    const log = new MemoryLog();
    const owner = await openOwner(log);
    const room = newRoom(signer, { id: freshCommandId(), version });
    await run(owner, room);
    assert.deepEqual(log.appends, [4]);
    await run(owner, member(room.room_id, BOB, BOB, 'join', freshCommandId()));
    const sent = await run(owner, send(room.room_id, BOB, freshCommandId()));
    const form = {
      1: /^\$[\w-]{43}:test\.example$/,
      2: /^\$[\w-]{43}:test\.example$/,
      3: /^\$[A-Za-z0-9+/]{43}$/,
    };
    assert.match(sent.event_id ?? '', new Map(Object.entries(form)).get(version) ?? /^\$[\w-]{43}$/);
    assert.equal(events(log).length, 6);
  });
}

test('who is not joined cannot send, and nothing is appended', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  await assert.rejects(run(owner, send(room.room_id, BOB, freshCommandId())), (error) =>
    isMilenaError(error, 'FORBIDDEN'),
  );
  assert.equal(events(log).length, 4);
});

test('a repeated command gets the first result, also from an owner that came after', async () => {
  const log = new MemoryLog();
  const first = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(first, room);
  const id = transactionCommandId(ALICE, 'PHONE', 'PUT', '/send', 'txn1');
  const command = send(room.room_id, ALICE, id);
  const results = await Promise.all([run(first, command), run(first, command)]);
  const second = await openOwner(log);
  const again = await run(second, command);
  assert.equal(new Set([...results, again].map((result) => result.event_id)).size, 1);
  assert.equal(events(log).length, 5);
});

test('decisions made while an append is under way share the next one', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  await run(owner, send(room.room_id, ALICE, freshCommandId()));
  log.appends = [];
  await Promise.all(
    Array.from({ length: 50 }, () => run(owner, send(room.room_id, ALICE, freshCommandId()))),
  );
  assert.ok(log.appends.length <= 3, `50 sends took ${log.appends.length} appends`);
});

test('events follow each other: each names the one before, one place further', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  await Promise.all([1, 2, 3].map(() => run(owner, send(room.room_id, ALICE, freshCommandId()))));
  let before: string | undefined;
  let place = 0;
  for (const { fact } of events(log)) {
    assert.ok(fact.type === 'room_event');
    const { prev_events } = JSON.parse(fact.value.skeleton);
    assert.deepEqual(prev_events, before === undefined ? [] : [before]);
    assert.equal(fact.value.place, place + 1);
    before = fact.value.event_id;
    place = fact.value.place;
  }
});

test('an owner that was fenced acknowledges nothing and writes nothing', async () => {
  const log = new MemoryLog();
  const old = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(old, room);
  await openOwner(log);
  await assert.rejects(run(old, send(room.room_id, ALICE, freshCommandId())), (error) =>
    isMilenaError(error, 'FENCED'),
  );
  assert.equal(events(log).length, 4);
});

test('after a lost answer the next owner knows the command and does not run it again', async () => {
  const log = new MemoryLog();
  const old = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(old, room);
  const command = send(room.room_id, ALICE, freshCommandId());
  log.next = 'lose_answer';
  await assert.rejects(run(old, command), (error) => isMilenaError(error, 'INDEFINITE'));
  const result = await run(await openOwner(log), command);
  assert.equal(events(log).length, 5);
  assert.equal(result.written?.offset, log.records.at(-1)?.offset);
});

test('what was decided on top of a failed append fails with it', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  log.next = 'refuse';
  const outcomes = await Promise.allSettled(
    [1, 2, 3].map(() => run(owner, send(room.room_id, ALICE, freshCommandId()))),
  );
  assert.deepEqual(new Set(outcomes.map((outcome) => outcome.status)), new Set(['rejected']));
  assert.equal(events(log).length, 4);
});

test('a redaction of another’s event needs the redact level, of one’s own nothing', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  await run(owner, member(room.room_id, BOB, BOB, 'join', freshCommandId()));
  const { event_id: hers } = await run(owner, send(room.room_id, ALICE, freshCommandId()));
  const { event_id: his } = await run(owner, send(room.room_id, BOB, freshCommandId()));
  assert.ok(hers !== undefined && his !== undefined);
  const redaction = (redacts: typeof hers) =>
    send(room.room_id, BOB, freshCommandId(), { type: 'm.room.redaction', content: '{}', redacts });
  await assert.rejects(run(owner, redaction(hers)), (error) => isMilenaError(error, 'FORBIDDEN'));
  await run(owner, redaction(his));
  const last = events(log).at(-1)?.fact;
  assert.ok(last?.type === 'room_event');
  assert.equal(last.value.redacts, his);
});

test('an account is registered once, and a login after its end is refused', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const account = {
    user_id: ALICE,
    user_kind: 'user',
    admin: false,
    password_hash: null,
    terms: [],
  } as const;
  const register = () => run(owner, { kind: 'register_user', id: freshCommandId(), at: 1, ...account });
  await register();
  await assert.rejects(register(), (error) => isMilenaError(error, 'USER_IN_USE'));
  const end = { user_id: ALICE, erase: false, actor: ALICE } as const;
  await run(owner, { kind: 'deactivate_user', id: freshCommandId(), at: 1, ...end });
  const device = { device_id: 'D', token_hash: '00'.repeat(32), display_name: null, method: 'm' };
  await assert.rejects(
    // A test's device ID: any string will do.
    run(owner, { kind: 'add_device', id: freshCommandId(), at: 1, user_id: ALICE, device: device as never }),
    (error) => isMilenaError(error, 'USER_DEACTIVATED'),
  );
});

test('a repeated send from before the tail is known while the models lag behind it', async () => {
  const log = new MemoryLog();
  const first = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(first, room);
  const command = send(room.room_id, ALICE, transactionCommandId(ALICE, 'PHONE', 'PUT', '/send', 'txn1'));
  const { event_id } = await run(first, command);
  await Promise.all(
    Array.from({ length: 2_100 }, () => run(first, send(room.room_id, ALICE, freshCommandId()))),
  );
  const again = await run(await openOwner(log), command);
  assert.equal(again.event_id, event_id);
});

test('a hundred rooms loaded cold while the models lag read the tail once, and are what they were', async () => {
  const log = new MemoryLog();
  const first = await openOwner(log);
  const rooms = Array.from({ length: 100 }, (_, nonce) => newRoom(signer, { id: freshCommandId(), nonce }));
  const last = new Map<string, EventId | undefined>();
  for (const room of rooms) await run(first, room);
  for (const { room_id } of rooms) {
    last.set(room_id, (await run(first, send(room_id, ALICE, freshCommandId()))).event_id);
  }
  const owner = await openOwner(log);
  log.reads.length = 0;
  for (const { room_id } of rooms) {
    await run(owner, send(room_id, ALICE, freshCommandId()));
    const { fact } = events(log).at(-1) ?? assert.fail();
    assert.ok(fact.type === 'room_event');
    assert.deepEqual(JSON.parse(fact.value.skeleton).prev_events, [last.get(room_id)]);
  }
  // Those loaded first have been let go meanwhile (an owner of the tests keeps 100): what was appended is known too.
  const more = newRoom(signer, { id: freshCommandId(), nonce: 100 });
  await run(owner, more);
  for (const { room_id } of rooms.slice(0, 20)) await run(owner, send(room_id, ALICE, freshCommandId()));
  assert.equal(log.reads.length, 1);
});

test('an event that a model takes in while it is asked for is found all the same', async () => {
  const log = new MemoryLog();
  const first = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(first, room);
  const { event_id } = await run(first, send(room.room_id, ALICE, freshCommandId()));
  assert.ok(event_id !== undefined);
  // Asked for the event the model has nothing; a moment later its checkpoint stands behind it.
  let checkpoint = 0;
  const catchingUp: Loader = {
    ...emptyLoader,
    checkpoint: async () => ({ offset: checkpoint, epoch: 0 }),
    events: async () => {
      checkpoint = (log.records.at(-1)?.offset ?? 0) + 1;
      return new Map();
    },
  };
  const redaction = { type: 'm.room.redaction', content: '{}', redacts: event_id };
  const owner = await openOwner(log, catchingUp);
  await run(owner, send(room.room_id, ALICE, freshCommandId(), redaction));
});

test('a full duplicate filter asks models that lag now and then, not with each send', async () => {
  const log = new MemoryLog();
  let asked = 0;
  const lagging: Loader = {
    ...emptyLoader,
    checkpoint: async () => {
      asked += 1;
      return { offset: 0, epoch: 0 };
    },
    commands: async () => {
      asked += 1;
      return new Map();
    },
  };
  const owner = await openOwner(log, lagging, 20);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  const sends = Array.from({ length: 200 }, (_, i) =>
    send(room.room_id, ALICE, transactionCommandId(ALICE, 'PHONE', 'PUT', '/send', `txn${i}`)),
  );
  asked = 0;
  const first: (string | undefined)[] = [];
  for (const command of sends) first.push((await run(owner, command)).event_id);
  assert.ok(asked < 20, `200 sends asked the models ${asked} times`);
  const again: (string | undefined)[] = [];
  for (const command of sends) again.push((await run(owner, command)).event_id);
  assert.deepEqual(again, first);
});

test('what a full duplicate filter drops is found in the models', async () => {
  const log = new MemoryLog();
  const made = new Map<string, EventId>();
  let checkpoint = 0;
  let asked = 0;
  const caughtUp: Loader = {
    ...emptyLoader,
    checkpoint: async () => ({ offset: checkpoint, epoch: 0 }),
    commands: async () => {
      asked += 1;
      return new Map(made);
    },
  };
  const owner = await openOwner(log, caughtUp, 20);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  const sends = Array.from({ length: 60 }, (_, i) =>
    send(room.room_id, ALICE, transactionCommandId(ALICE, 'PHONE', 'PUT', '/send', `txn${i}`)),
  );
  for (const command of sends) {
    const { event_id, written } = await run(owner, command);
    if (event_id !== undefined) made.set(command.id, event_id);
    checkpoint = (written?.offset ?? 0) + 1;
  }
  assert.equal(asked, 1, 'new commands are known to be new without asking');
  const appended = log.records.length;
  for (const command of sends) assert.equal((await run(owner, command)).event_id, made.get(command.id));
  assert.equal(log.records.length, appended);
});

test('a stranger is told nothing about a room, whatever is asked', async () => {
  const log = new MemoryLog();
  const owner = await openOwner(log);
  const room = newRoom(signer, { id: freshCommandId() });
  await run(owner, room);
  const { event_id } = await run(owner, send(room.room_id, ALICE, freshCommandId()));
  assert.ok(event_id !== undefined);
  const kick: Command = {
    ...member(room.room_id, BOB, ALICE, 'leave', freshCommandId()),
    expect_membership: ['ban'],
  };
  const redaction = { type: 'm.room.redaction', content: '{}', redacts: event_id };
  for (const command of [kick, send(room.room_id, BOB, freshCommandId(), redaction)]) {
    await assert.rejects(run(owner, command), (error) => isMilenaError(error, 'FORBIDDEN'));
  }
});
