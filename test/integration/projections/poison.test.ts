import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareSchemas } from '../../../projections/framework/compare-schemas.ts';
import type { OpenedRecord, ReadModel } from '../../../projections/framework/model.ts';
import type { Projections } from '../../../projections/framework/projections.ts';
import type { PoisonStatus } from '../../../projections/framework/status.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { roomStateQueries } from '../../../projections/room_state/queries.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import type { RoomId } from '../../../src/matrix/identifiers.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';
import { altered, MadeRoom } from './made-room.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const alice = '@alice:localhost';

/** `timeline` with a fault: it fails on messages that say so, without naming the record. */
function faulty(fault: { fails: boolean }): ReadModel {
  const breaks = ({ fact }: OpenedRecord): boolean =>
    fault.fails && fact?.type === 'room_event' && (fact.value.sealed?.includes('break it') ?? false);
  return {
    ...timelineModel,
    projector: (context) => {
      const projector = timelineModel.projector(context);
      return {
        apply: (records) => {
          if (records.some(breaks)) throw new TypeError('content that must not be told');
          return projector.apply(records);
        },
        forget: () => projector.forget(),
      };
    },
  };
}

async function poisonOf(projections: Projections, name: string): Promise<readonly PoisonStatus[]> {
  return (await projections.status()).find((model) => model.name === name)?.poison ?? [];
}

async function bodies(projections: Projections, roomId: RoomId): Promise<readonly unknown[]> {
  const page = await timelineQueries(projections.queries).page(roomId, {
    direction: 'f',
    from: 5,
    limit: 100,
  });
  return page.map(({ content }) => JSON.parse(content).body);
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await check()) return;
    await sleep(25);
  }
  assert.fail('it did not come to be');
}

test('behind a record that fails its room waits, the others go on, and mending it catches up in order', async () => {
  await using house = await House.make(server, 'poison', 1);
  const fault = { fails: true };
  const projections = await house.open([roomStateModel, faulty(fault)]);
  const [sick, well] = [MadeRoom.create('sick', alice), MadeRoom.create('well', alice)];
  const facts = [
    ...sick.facts,
    ...well.facts,
    sick.room.message(alice, 'one'),
    sick.room.message(alice, 'break it'),
    well.room.message(alice, 'well one'),
    sick.room.message(alice, 'two'),
  ];
  await house.append('rooms', sick.room.id, facts);
  await house.append('rooms', sick.room.id, [
    sick.room.message(alice, 'three'),
    well.room.message(alice, 'well two'),
  ]);
  await house.caughtUp(projections);

  assert.deepEqual(await bodies(projections, sick.room.id), ['one']);
  assert.deepEqual(await bodies(projections, well.room.id), ['well one', 'well two']);
  const [poison, ...more] = await poisonOf(projections, 'timeline');
  assert.deepEqual(more, []);
  assert.deepEqual([poison?.key, poison?.offset, poison?.waiting], [sick.room.id, 11, 2]);
  assert.match(poison?.reason ?? '', /^The projector failed: TypeError/);
  assert.doesNotMatch(poison?.reason ?? '', /content/);

  fault.fails = false;
  await projections.retryPoison('timeline');
  await until(async () => (await poisonOf(projections, 'timeline')).length === 0);
  assert.deepEqual(await bodies(projections, sick.room.id), ['one', 'break it', 'two', 'three']);
  await house.append('rooms', sick.room.id, [sick.room.message(alice, 'four')]);
  await house.caughtUp(projections);
  assert.deepEqual((await bodies(projections, sick.room.id)).at(-1), 'four');
  const report = await projections.rebuild('timeline');
  assert.deepEqual(await compareSchemas(projections.database, report.previous, report.schema), []);
});

test('a record that cannot be decoded stops its room; given up, the room goes on without it, rebuilt too', async () => {
  await using house = await House.make(server, 'undecodable', 1);
  const projections = await house.open([roomStateModel, timelineModel]);
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, [...facts, room.message(alice, 'one')]);
  const raw = { key: room.id, type: 'room_event', at: Date.now(), value: Buffer.from('not a record') };
  const bad = await house.appendRaw('rooms', room.id, raw);
  await house.append('rooms', room.id, [room.message(alice, 'two')]);
  await house.caughtUp(projections);
  assert.deepEqual(await bodies(projections, room.id), ['one']);
  for (const name of ['timeline', 'room_state']) {
    assert.deepEqual(
      (await poisonOf(projections, name)).map(({ offset, waiting }) => [offset, waiting]),
      [[bad, 1]],
    );
    await projections.retryPoison(name);
  }
  await sleep(200);
  assert.equal((await poisonOf(projections, 'timeline')).length, 1);

  for (const name of ['timeline', 'room_state']) await projections.discardPoison(name, 'rooms', 0, bad);
  await until(async () => (await poisonOf(projections, 'timeline')).length === 0);
  assert.deepEqual(await bodies(projections, room.id), ['one', 'two']);
  const report = await projections.rebuild('timeline');
  assert.deepEqual(await compareSchemas(projections.database, report.previous, report.schema), []);
});

test('a state root that differs stops that room, says so, and no other', async () => {
  await using house = await House.make(server, 'root', 1);
  const projections = await house.open([roomStateModel, timelineModel]);
  const [forged, honest] = [MadeRoom.create('forged', alice), MadeRoom.create('honest', alice)];
  await house.append('rooms', forged.room.id, [...forged.facts, ...honest.facts]);
  const bob = forged.room.member('@bob:localhost', 'join');
  const { after: state } = bob.value;
  const root = Buffer.alloc(32, 7);
  const lie = altered(bob, { after: state === null ? null : { ...state, root } });
  await house.append('rooms', forged.room.id, [
    lie,
    honest.room.member('@bob:localhost', 'join'),
    forged.room.message(alice, 'later'),
  ]);
  await house.caughtUp(projections);
  const rooms = roomStateQueries(projections.queries, house.log.slots);
  assert.equal((await rooms.counts(forged.room.id)).joined, 1);
  assert.equal((await rooms.counts(honest.room.id)).joined, 2);
  const [poison] = await poisonOf(projections, 'room_state');
  assert.match(
    poison?.reason ?? '',
    /^The room's state comes to the root [0-9a-f]{12}, the record says 070707070707/,
  );
  assert.deepEqual(await poisonOf(projections, 'timeline'), []);
});

test('a message decided on another state than the room has stops its room', async () => {
  await using house = await House.make(server, 'before', 1);
  const projections = await house.open([roomStateModel]);
  const { room, facts } = MadeRoom.create('one', alice);
  const message = room.message(alice, 'on another state');
  const lie = altered(message, { before: { ...message.value.before, root: Buffer.alloc(32, 7) } });
  await house.append('rooms', room.id, [...facts, lie]);
  await house.caughtUp(projections);
  const [poison] = await poisonOf(projections, 'room_state');
  assert.match(poison?.reason ?? '', /was decided on 070707070707/);
});
