import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compareSchemas } from '../../../projections/framework/compare-schemas.ts';
import { createLoader } from '../../../projections/loader.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { roomStateQueries } from '../../../projections/room_state/queries.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import { asEventId, asUserId } from '../../../src/matrix/identifiers.ts';
import { rootBytes } from '../../../src/state/root.ts';
import { StateTree } from '../../../src/state/state-tree.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';
import { altered, MadeRoom } from './made-room.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const models = [roomStateModel, timelineModel];
const alice = asUserId('@alice:localhost');
const bob = asUserId('@bob:localhost');

test('an erased record is what redaction leaves of it, once the model is rebuilt', async () => {
  await using house = await House.make(server, 'erased', 1);
  const projections = await house.open(models);
  const timeline = timelineQueries(projections.queries);
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, facts);
  const said = room.message(alice, 'to be forgotten', { 'm.mentions': { user_ids: [bob] } });
  const offset = await house.append('rooms', room.id, [said]);
  await house.append('rooms', room.id, [room.message(alice, 'to be kept')]);
  await house.caughtUp(projections);
  await house.erase('rooms', room.id, offset);
  await house.keys.refresh(0);
  await projections.rebuild('timeline');
  const page = await timeline.page(room.id, { direction: 'f', from: 5, limit: 10 });
  assert.deepEqual(
    page.map(({ content }) => JSON.parse(content).body),
    [undefined, 'to be kept'],
  );
  assert.deepEqual(await timeline.mentions(room.id, bob, 0), []);
});

test('a redaction takes the mentions of its target with it, stored or still in the batch', async () => {
  await using house = await House.make(server, 'unmention', 1);
  const projections = await house.open(models);
  const timeline = timelineQueries(projections.queries);
  const { room, facts } = MadeRoom.create('one', alice);
  const mention = { 'm.mentions': { user_ids: [bob] } };
  const redact = () => {
    const redacts = asEventId(room.eventIds.at(-1) ?? '');
    return room.fact({ type: 'm.room.redaction', sender: alice, content: {}, redacts });
  };
  await house.append('rooms', room.id, [...facts, room.message(alice, 'hi', mention), redact()]);
  await house.append('rooms', room.id, [room.message(alice, 'hi again', mention)]);
  await house.caughtUp(projections);
  assert.equal((await timeline.mentions(room.id, bob, 0)).length, 1);
  await house.append('rooms', room.id, [redact()]);
  await house.caughtUp(projections);
  assert.deepEqual(await timeline.mentions(room.id, bob, 0), []);
  const report = await projections.rebuild('timeline');
  assert.deepEqual(await compareSchemas(projections.database, report.previous, report.schema), []);
});

test('rejected events are never given, soft-failed ones and outliers are in no page', async () => {
  await using house = await House.make(server, 'refused', 1);
  const projections = await house.open(models);
  const timeline = timelineQueries(projections.queries);
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, facts);
  const [rejected, softFailed, outlier] = [1, 2, 3].map((n) =>
    new MadeRoom(`other ${n}`).message(alice, `${n}`),
  );
  assert.ok(rejected !== undefined && softFailed !== undefined && outlier !== undefined);
  const into = { key: room.id };
  await house.append('rooms', room.id, [
    { ...altered(rejected, { verdict: 'rejected', reason: 'forged' }), ...into },
    { ...altered(softFailed, { verdict: 'soft_failed' }), ...into },
    { ...altered(outlier, { kind: 'outlier' }), ...into },
    room.message(alice, 'seen'),
  ]);
  await house.caughtUp(projections);
  assert.deepEqual(await poison(projections), []);
  const page = await timeline.page(room.id, { direction: 'f', limit: 50 });
  assert.deepEqual(
    page.map(({ place }) => place),
    [1, 2, 3, 4, 5],
  );
  const ids = [rejected, softFailed, outlier].map(({ value }) => asEventId(value.event_id));
  assert.deepEqual(await Promise.all(ids.map((id) => timeline.event(room.id, id))), [
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual([...(await timeline.eventsByIds(ids)).keys()].sort(), ids.slice(1).sort());
  assert.equal(await timeline.ordinal(room.id), 1);
});

test('a resolution that brings in an event known before, and takes one out, is in state and counts', async () => {
  await using house = await House.make(server, 'resolved', 1);
  const projections = await house.open(models);
  const rooms = roomStateQueries(projections.queries, 1);
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, [...facts, room.member(bob, 'join')]);
  const state = StateTree.fromEntries(
    [...facts, undefined].flatMap((fact, index) => {
      const change = fact?.value.after?.changed[0];
      return change === undefined || fact === undefined
        ? []
        : [{ type: change.type, stateKey: change.state_key, eventId: asEventId(room.eventIds[index] ?? '') }];
    }),
  );
  // An outlier: Carol's join on another branch. Then a message after which resolution lets her in and Bob out.
  const carol = '@carol:localhost';
  const join = new MadeRoom('branch').member(carol, 'join');
  const outlier = altered(join, {
    kind: 'outlier',
    before: { root: null, partial: false, base: null, changed: [] },
    after: null,
  });
  const message = room.message(alice, 'merges');
  const resolved = state.set('m.room.member', carol, asEventId(join.value.event_id));
  const current = {
    root: rootBytes(resolved.root),
    partial: false,
    base: message.value.before.root,
    changed: [
      { type: 'm.room.member', state_key: carol, event_id: join.value.event_id },
      { type: 'm.room.member', state_key: bob, event_id: null },
    ],
  };
  await house.append('rooms', room.id, [{ ...outlier, key: room.id }]);
  await house.append('rooms', room.id, [altered(message, { current })]);
  await house.caughtUp(projections);
  assert.deepEqual(await poison(projections), []);
  assert.deepEqual(await rooms.memberIds(room.id, 'join'), [alice, carol]);
  assert.equal((await rooms.counts(room.id)).joined, 2);
  assert.equal(await rooms.standing(room.id, bob), undefined);
  assert.deepEqual(
    (await rooms.stateDelta(room.id, 5, 6, 'place')).map(({ state_key, event_id }) => [state_key, event_id]),
    [
      [bob, null],
      [carol, join.value.event_id],
    ],
  );
  const report = await projections.rebuild('room_state', { interleave: 'random', seed: 2 });
  assert.deepEqual(await compareSchemas(projections.database, report.previous, report.schema), []);
});

test('state keys with U+0000 are kept apart and come back', async () => {
  await using house = await House.make(server, 'nul', 1);
  const projections = await house.open(models);
  const { room, facts } = MadeRoom.create('one', alice);
  const keys = ['a\0', 'a\ufffd', 'a', '\u{10ffff}0'];
  const odd = keys.map((state_key) =>
    room.fact({ type: 'x.odd', sender: alice, state_key, content: { state_key } }),
  );
  await house.append('rooms', room.id, [...facts, ...odd]);
  await house.caughtUp(projections);
  const rooms = roomStateQueries(projections.queries, 1);
  for (const key of keys) {
    const event = await rooms.stateEvent(room.id, 'x.odd', key);
    assert.deepEqual([event?.state_key, JSON.parse(event?.content ?? '')], [key, { state_key: key }]);
  }
  const timeline = timelineQueries(projections.queries);
  const snapshot = await createLoader(projections.queries, timeline, 1).room(room.id);
  const loaded = snapshot?.state.filter(({ type }) => type === 'x.odd').map(({ state_key }) => state_key);
  assert.deepEqual(loaded?.sort(), [...keys].sort());
  // Projectors that start cold make the same tree of the rows.
  await projections.close();
  const again = await house.open(models);
  await house.append('rooms', room.id, [room.member(bob, 'join'), room.message(bob, 'hi')]);
  await house.caughtUp(again);
  assert.deepEqual(await poison(again), []);
});

test('results of repeatable commands are found by scope, those of others are not kept', async () => {
  await using house = await House.make(server, 'commands', 1);
  const projections = await house.open(models);
  const { room, facts } = MadeRoom.create('one', alice);
  const scope = 'f0'.repeat(8);
  const command = (hex: string) => ({ command: Buffer.from(hex, 'hex') });
  await house.append('rooms', room.id, [
    ...facts,
    { ...room.message(alice, 'one'), ...command(`${scope}${'01'.repeat(8)}`) },
    { ...room.message(alice, 'two'), ...command(`${'0f'.repeat(8)}${'01'.repeat(8)}`) },
  ]);
  await house.caughtUp(projections);
  const timeline = timelineQueries(projections.queries);
  const [event] = await timeline.page(room.id, { direction: 'f', from: 5, limit: 1 });
  assert.deepEqual(
    [...(await timeline.commands(room.id, scope))],
    [[`${scope}${'01'.repeat(8)}`, event?.event_id]],
  );
  assert.equal((await timeline.commands(room.id, '0f'.repeat(8))).size, 0);
});

test('pages filter by type, sender and url, in both directions and between bounds', async () => {
  await using house = await House.make(server, 'pages', 1);
  const projections = await house.open(models);
  const { room, facts } = MadeRoom.create('one', alice);
  await house.append('rooms', room.id, [
    ...facts,
    room.member(bob, 'join'),
    room.message(alice, 'one'),
    room.message(bob, 'two', { url: 'mxc://localhost/x' }),
    room.message(bob, 'three'),
  ]);
  await house.caughtUp(projections);
  const timeline = timelineQueries(projections.queries);
  const places = async (bounds: Parameters<typeof timeline.page>[1]): Promise<readonly number[]> =>
    (await timeline.page(room.id, bounds)).map(({ place }) => place);
  assert.deepEqual(await places({ direction: 'b', limit: 3 }), [8, 7, 6]);
  assert.deepEqual(await places({ direction: 'b', limit: 9, from: 7, to: 4 }), [6, 5, 4]);
  assert.deepEqual(await places({ direction: 'f', limit: 2, from: 3, to: 9 }), [3, 4]);
  assert.deepEqual(
    await places({ direction: 'f', limit: 9, filter: { types: ['m.room.m*'] } }),
    [2, 5, 6, 7, 8],
  );
  assert.deepEqual(await places({ direction: 'f', limit: 9, filter: { not_types: ['m.room.*'] } }), []);
  assert.deepEqual(await places({ direction: 'f', limit: 9, filter: { senders: [bob] } }), [5, 7, 8]);
  assert.deepEqual(await places({ direction: 'f', limit: 9, filter: { senders: [] } }), []);
  assert.deepEqual(await places({ direction: 'f', limit: 9, filter: { not_senders: [bob, alice] } }), []);
  assert.deepEqual(await places({ direction: 'f', limit: 9, filter: { contains_url: true } }), [7]);
  const seventh = await timeline.event(room.id, asEventId(room.eventIds[6] ?? ''));
  const latest = await timeline.latest(room.id, { offset: seventh?.log_offset ?? 0 }, 2);
  assert.deepEqual(
    latest.map(({ place }) => place),
    [6, 7],
  );
});

async function poison(projections: { status(): Promise<readonly { poison: readonly unknown[] }[]> }) {
  return (await projections.status()).flatMap((model) => model.poison);
}
