import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accountsModel } from '../../../projections/accounts/model.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { roomStateQueries } from '../../../projections/room_state/queries.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import { visibleTimeline } from '../../../projections/timeline/visible-timeline.ts';
import { asUserId } from '../../../src/matrix/identifiers.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';
import { MadeRoom } from './made-room.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const alice = asUserId('@alice:localhost');
const bob = asUserId('@bob:localhost');

test('what is written on the log is what queries give', async () => {
  await using house = await House.make(server, 'models');
  const projections = await house.open([roomStateModel, timelineModel, accountsModel]);
  const timeline = timelineQueries(projections.queries);
  const rooms = roomStateQueries(projections.queries, house.log.slots);
  const { room, facts } = MadeRoom.create('one', alice, {
    'm.room.history_visibility': { history_visibility: 'joined' },
  });
  await house.append('rooms', room.id, [...facts, room.message(alice, 'before bob')]);
  await house.append('rooms', room.id, [room.member(bob, 'join'), room.message(alice, 'hello bob')]);
  const [target] = room.eventIds.slice(-1);
  const redaction = {
    type: 'm.room.redaction',
    sender: alice,
    content: {},
    ...(target === undefined ? {} : { redacts: target }),
  };
  await house.append('rooms', room.id, [
    room.fact(redaction),
    room.message(bob, 'hi', { 'm.mentions': { user_ids: [alice] } }),
  ]);
  await house.caughtUp(projections);

  const page = await timeline.page(room.id, { direction: 'b', limit: 3 });
  assert.deepEqual(
    page.map((event) => event.content),
    [
      '{"body":"hi","msgtype":"m.text","m.mentions":{"user_ids":["@alice:localhost"]}}',
      JSON.stringify({ redacts: target }),
      '{}',
    ],
  );
  assert.equal(page[2]?.redacted_because?.event_id, page[1]?.event_id);
  assert.equal(await timeline.ordinal(room.id), 3);
  assert.deepEqual(
    (await timeline.mentions(room.id, alice, 0)).map(({ place, sender, room: all }) => [place, sender, all]),
    [[page[0]?.place, bob, false]],
  );
  assert.equal(await timeline.lastSent(room.id, alice), page[1]?.place);

  assert.deepEqual(await rooms.counts(room.id), {
    room_id: room.id,
    version: '12',
    creator: alice,
    place: 10,
    joined: 2,
    invited: 0,
  });
  assert.equal((await rooms.standing(room.id, bob))?.membership, 'join');
  assert.deepEqual(await rooms.rooms(bob, 'join'), [room.id]);
  assert.equal((await rooms.state(room.id)).length, 6);
  assert.equal((await rooms.state(room.id, { at: 2 })).length, 2);
  assert.deepEqual(
    (await rooms.stateDelta(room.id, 5, 10, 'place')).map(({ state_key }) => state_key),
    [bob],
  );
  assert.deepEqual(await rooms.heroes(room.id, alice, 5), [bob]);
  const [joined] = await rooms.memberships(bob);
  assert.deepEqual(await rooms.heroes(room.id, alice, 5, (joined?.log_offset ?? 0) - 1), []);
  assert.deepEqual(await rooms.counts(room.id, (joined?.log_offset ?? 0) - 1), { joined: 1, invited: 0 });
  assert.deepEqual(await rooms.counts(room.id, (joined?.log_offset ?? 0) + 100), { joined: 2, invited: 0 });

  const seen = visibleTimeline(projections.queries, timeline, rooms);
  const bobs = await seen.page({ roomId: room.id, viewer: bob, direction: 'f', limit: 20 });
  assert.deepEqual(
    bobs.events.map(({ place }) => place),
    [1, 2, 3, 4, 5, 7, 8, 9, 10],
  );
  const alices = await seen.page({ roomId: room.id, viewer: alice, direction: 'f', limit: 20 });
  assert.equal(alices.events.length, 10);
});
