import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { asRoomId, asUserId } from '../../src/matrix/identifiers.ts';
import { FakeHouse } from './fake-house.fixture.ts';
import { LiveTail } from './live-tail.ts';

const ALICE = asUserId('@alice:a.example');
const ROOM = asRoomId('!room:a.example');

/** A tail of one partition that has read all of the house. */
async function tailOf(house: FakeHouse, kept: number) {
  const start = [{ offset: 0, epoch: 0 }];
  const stop = new AbortController();
  const reported: unknown[] = [];
  const tail = new LiveTail({
    feed: (topic, partition) => house.feed(topic, partition),
    start: { rooms: start, user_values: start, ephemeral: start },
    kept,
    openStatus: () => '',
    now: () => 1_000,
    report: (error) => reported.push(error),
  });
  const running = tail.run(stop.signal);
  const caughtUp = async () => {
    const [end = 0] = house.ends().rooms;
    assert.ok(await tail.window.reached('rooms', 0, end, 1_000));
  };
  await caughtUp();
  return {
    tail,
    reported,
    caughtUp,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}

function say(house: FakeHouse, body: string) {
  return house.event(ROOM, ALICE, 'm.room.message', { body });
}

describe('the tail', () => {
  it('forgets the older half, and says from where on it is whole', async () => {
    const house = new FakeHouse(1);
    const events = Array.from({ length: 25 }, (_, index) => say(house, String(index)));
    await using scene = await tailOf(house, 10);
    const { tail } = scene;
    const [start = 0] = tail.window.start('rooms');
    assert.ok(start > 0);
    const kept = events.filter(({ offset }) => offset >= start).map(({ event_id }) => event_id);
    assert.ok(kept.length >= 10 && kept.length < 20);
    assert.deepEqual(
      tail.room(ROOM)?.events.map(({ event }) => event.event_id),
      kept,
    );
  });

  it('forgets rooms and users of which nothing is left', async () => {
    const house = new FakeHouse(1);
    house.event(ROOM, ALICE, 'm.room.member', { membership: 'join' }, { state_key: ALICE });
    await using scene = await tailOf(house, 5);
    assert.ok(scene.tail.user(ALICE) !== undefined);
    for (let index = 0; index < 30; index += 1) house.event('!other:a.example', ALICE, 'm.room.message', {});
    await scene.caughtUp();
    assert.equal(scene.tail.room(ROOM), undefined);
    assert.equal(scene.tail.user(ALICE), undefined);
  });

  it('finds the rooms with anything new the same way by rooms and by facts', async () => {
    const house = new FakeHouse(1);
    for (let index = 0; index < 5; index += 1) say(house, String(index));
    await using scene = await tailOf(house, 100);
    const since = scene.tail.position();
    const other = house.event('!other:a.example', ALICE, 'm.room.message', {});
    await scene.caughtUp();
    const few = new Set([other.room_id]);
    const many = new Set([other.room_id, ROOM, asRoomId('!third:a.example')]);
    assert.deepEqual(scene.tail.changedRooms(since, few), [other.room_id]);
    assert.deepEqual(scene.tail.changedRooms(since, many), [other.room_id]);
    assert.deepEqual(scene.tail.changedRooms(since, new Set([ROOM])), []);
  });

  it('shows an event redacted once it is, with what redacted it', async () => {
    const house = new FakeHouse(1);
    const event = say(house, 'oops');
    const redaction = house.event(ROOM, ALICE, 'm.room.redaction', {}, { redacts: event.event_id });
    await using scene = await tailOf(house, 100);
    const shown = scene.tail.room(ROOM)?.events[0]?.event;
    assert.equal(shown?.content, '{}');
    assert.equal(shown?.redacted_because?.event_id, redaction.event_id);
  });

  it('tells its listeners before its position has moved', async () => {
    const house = new FakeHouse(1);
    say(house, 'before');
    await using scene = await tailOf(house, 100);
    const told: (number | undefined)[] = [];
    const nothing = () => undefined;
    scene.tail.listen({
      room: () => told.push(scene.tail.position().rooms[0]),
      membership: nothing,
      forgotten: nothing,
      user: nothing,
      rules: nothing,
      ignored: nothing,
      inviting: nothing,
      presence: nothing,
      read: nothing,
    });
    const next = say(house, 'now');
    await scene.caughtUp();
    assert.equal(told.length, 1);
    assert.ok((told[0] ?? Number.MAX_VALUE) <= next.offset);
  });

  it('gives up waiting for what does not come', async () => {
    const house = new FakeHouse(1);
    await using scene = await tailOf(house, 100);
    const waiting = scene.tail.window.reached('rooms', 0, 1_000, 20);
    await sleep(1);
    assert.equal(await waiting, false);
  });
});
