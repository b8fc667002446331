import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asRoomId, asUserId } from '../../src/matrix/identifiers.ts';
import { SyncScene } from './scene.fixture.ts';

const ALICE = asUserId('@alice:a.example');
const BOB = asUserId('@bob:a.example');
const ROOM = asRoomId('!room:a.example');

function member(scene: SyncScene, user: typeof ALICE, membership: string, by = user) {
  return scene.house.event(ROOM, by, 'm.room.member', { membership }, { state_key: user });
}

function say(scene: SyncScene, user: typeof ALICE, body: string) {
  return scene.house.event(ROOM, user, 'm.room.message', { msgtype: 'm.text', body });
}

describe('sync', () => {
  it('tells a first sync everything and the next one what came', async () => {
    await using scene = new SyncScene();
    scene.house.event(ROOM, ALICE, 'm.room.create', {}, { state_key: '' });
    member(scene, ALICE, 'join');
    const hello = say(scene, ALICE, 'hello');
    const first = await scene.sync(ALICE);
    assert.equal(first.join[0]?.timeline.events.at(-1)?.event_id, hello.event_id);
    const again = say(scene, ALICE, 'again');
    const second = await scene.sync(ALICE, { since: first.next_batch });
    assert.deepEqual(
      second.join.map(({ timeline }) => timeline.events.map(({ event_id }) => event_id)),
      [[again.event_id]],
    );
  });

  it('answers what happens while a client waits, without the models', async () => {
    await using scene = new SyncScene();
    member(scene, ALICE, 'join');
    member(scene, BOB, 'join');
    const first = await scene.sync(ALICE);
    say(scene, BOB, 'one');
    const second = await scene.sync(ALICE, { since: first.next_batch });
    const { asked } = scene.reads;
    const waiting = scene.sync(ALICE, { since: second.next_batch, timeoutMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    scene.reads.catchesUp = false;
    const two = say(scene, BOB, 'two');
    const third = await waiting;
    assert.equal(third.join[0]?.timeline.events[0]?.event_id, two.event_id);
    assert.deepEqual(third.join[0]?.unread?.get('main'), { notification_count: 2, highlight_count: 0 });
    assert.equal(scene.reads.asked, asked);
  });

  for (const rooms of [3, 60]) {
    it(`of ${rooms} rooms asks the models about those alone in which anything has happened since`, async (test) => {
      await using scene = new SyncScene();
      const inRoom = (index: number) => asRoomId(`!${index}:a.example`);
      const content = { membership: 'join' };
      const joins = (user: typeof ALICE, index: number) =>
        scene.house.event(inRoom(index), user, 'm.room.member', content, { state_key: user });
      for (let index = 0; index < rooms; index += 1) for (const user of [ALICE, BOB]) joins(user, index);
      const { next_batch: since } = await scene.sync(ALICE);
      // A membership that changed: the tail does not answer.
      joins(ALICE, rooms);
      const said = scene.house.event(inRoom(0), BOB, 'm.room.message', { body: 'here' });
      scene.house.receipt(BOB, said, 'm.read');
      scene.reads.catchUp();
      const touched = test.mock.method(scene.reads, 'touched');
      const receipts = test.mock.method(scene.reads, 'receipts');
      const places = test.mock.method(scene.reads, 'places');
      const { join } = await scene.sync(ALICE, { since });
      assert.deepEqual(join.map(({ room_id }) => room_id).sort(), [inRoom(0), inRoom(rooms)].sort());
      assert.equal(join.find(({ room_id }) => room_id === inRoom(0))?.receipts[0]?.event_id, said.event_id);
      const asked = (calls: typeof touched.mock.calls | typeof places.mock.calls) =>
        calls.map((call) => call.arguments[0].length);
      assert.deepEqual(asked(touched.mock.calls), [1]);
      assert.deepEqual(asked(places.mock.calls), [4]);
      assert.deepEqual(
        receipts.mock.calls.map((call) => call.arguments[1].length),
        [2],
      );
    });
  }

  it('counts no more what is redacted, from memory where it was counted there', async () => {
    await using scene = new SyncScene();
    member(scene, ALICE, 'join');
    member(scene, BOB, 'join');
    const early = say(scene, BOB, 'early');
    let last = await scene.sync(ALICE);
    const unread = async () => {
      last = await scene.sync(ALICE, { since: last.next_batch });
      return last.join[0]?.unread?.get('main')?.notification_count ?? 0;
    };
    const redact = (eventId: string) =>
      scene.house.event(ROOM, BOB, 'm.room.redaction', { redacts: eventId }, { redacts: eventId });
    say(scene, BOB, 'one');
    const two = say(scene, BOB, 'two');
    assert.equal(await unread(), 3);
    const { asked } = scene.reads;
    redact(two.event_id);
    assert.equal(await unread(), 2);
    redact(two.event_id);
    assert.equal(await unread(), 2, 'twice is once');
    assert.equal(scene.reads.asked, asked, 'no model was asked');
    redact(early.event_id);
    assert.equal(await unread(), 1, 'what a model has counted it counts again');
    assert.equal(scene.reads.asked, asked + 1);
  });

  it('asks once what a message is about, however many it wakes', async (test) => {
    await using scene = new SyncScene();
    const others = ['@bob:a.example', '@carol:a.example', '@dave:a.example'].map(asUserId);
    for (const user of [ALICE, ...others]) member(scene, user, 'join');
    const old = say(scene, ALICE, 'a poll');
    const tokens = await Promise.all(others.map((user) => scene.sync(user)));
    await scene.restart();
    say(scene, ALICE, 'something newer');
    const firsts = await Promise.all(
      others.map((user, index) => scene.sync(user, { since: tokens[index]?.next_batch ?? '' })),
    );
    const threads = test.mock.method(scene.reads, 'threads');
    const levels = test.mock.method(scene.reads, 'mayMentionRoom');
    const waiting = others.map((user, index) =>
      scene.sync(user, { since: firsts[index]?.next_batch ?? '', timeoutMs: 60_000 }),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    scene.house.event(ROOM, ALICE, 'm.room.message', {
      body: 'a vote',
      'm.mentions': { room: true },
      'm.relates_to': { rel_type: 'm.reference', event_id: old.event_id },
    });
    const answers = await Promise.all(waiting);
    for (const { join } of answers) {
      assert.deepEqual(join[0]?.unread?.get('main'), { notification_count: 3, highlight_count: 1 });
    }
    assert.equal(threads.mock.callCount(), 1);
    assert.equal(levels.mock.callCount(), 1);
  });

  it('does not wake those whom something does not concern', async () => {
    await using scene = new SyncScene();
    member(scene, ALICE, 'join');
    const first = await scene.sync(ALICE);
    const began = performance.now();
    const waiting = scene.sync(ALICE, { since: first.next_batch, timeoutMs: 60 });
    scene.house.event('!other:a.example', BOB, 'm.room.message', { body: 'elsewhere' });
    const second = await waiting;
    assert.ok(performance.now() - began >= 55);
    assert.deepEqual(second.join, []);
  });

  it('refuses what is no token, and begins anew with the token of another log', async () => {
    await using scene = new SyncScene();
    await assert.rejects(scene.sync(ALICE, { since: 'nonsense' }), { code: 'INVALID_PARAM' });
    member(scene, ALICE, 'join');
    const { next_batch } = await scene.sync(ALICE);
    const other = next_batch.replace(/_[0-9a-f]{8}_/, '_00000000_');
    assert.equal((await scene.sync(ALICE, { since: other })).join.length, 1);
  });

  it('begins anew with a token that is ahead of the log', async () => {
    await using ahead = new SyncScene();
    await using scene = new SyncScene();
    for (const { house } of [ahead, scene]) {
      house.event(ROOM, ALICE, 'm.room.member', { membership: 'join' }, { state_key: ALICE });
    }
    say(ahead, ALICE, 'lost with the end of the log');
    const { next_batch } = await ahead.sync(ALICE);
    const kept = say(scene, ALICE, 'said after the backup was restored');
    say(ahead, ALICE, 'lost as well');
    const later = await ahead.sync(ALICE);
    assert.equal((await scene.sync(ALICE, { since: next_batch })).join.length, 0);
    const cut = await scene.sync(ALICE, { since: later.next_batch });
    assert.equal(cut.join[0]?.timeline.events.at(-1)?.event_id, kept.event_id);
  });

  it('tells once who types and once that it is over, when that is said after the time ran out', async () => {
    await using scene = new SyncScene();
    member(scene, ALICE, 'join');
    let { next_batch: since } = await scene.sync(ALICE);
    const typing = async () => {
      const answer = await scene.sync(ALICE, { since });
      since = answer.next_batch;
      return answer.join.map((room) => room.typing);
    };
    scene.house.typing(BOB, ROOM, scene.now + 1_000);
    assert.deepEqual(await typing(), [[BOB]]);
    scene.house.typing(BOB, ROOM, scene.now + 2_000);
    assert.deepEqual(await typing(), []);
    scene.now += 3_000;
    scene.house.typing(BOB, ROOM, 0);
    assert.deepEqual(await typing(), [[]]);
    assert.deepEqual(await typing(), []);
  });

  it('shows an invitation, its end, and nothing of the room beside', async () => {
    await using scene = new SyncScene();
    scene.house.event(ROOM, ALICE, 'm.room.create', { room_version: '11' }, { state_key: '' });
    member(scene, ALICE, 'join');
    const first = await scene.sync(BOB);
    member(scene, BOB, 'invite', ALICE);
    const second = await scene.sync(BOB, { since: first.next_batch });
    assert.deepEqual(
      second.invite[0]?.events.map(({ type, state_key }) => `${type} ${state_key}`),
      ['m.room.create ', `m.room.member ${ALICE}`, `m.room.member ${BOB}`],
    );
    say(scene, ALICE, 'secret');
    const rejected = member(scene, BOB, 'leave');
    const third = await scene.sync(BOB, { since: second.next_batch });
    assert.deepEqual(third.join, []);
    assert.deepEqual(
      third.leave[0]?.timeline.events.map(({ event_id }) => event_id),
      [rejected.event_id],
    );
    assert.deepEqual(third.leave[0]?.state, []);
  });

  it('answers at once when it stops', async () => {
    const scene = new SyncScene();
    member(scene, ALICE, 'join');
    const first = await scene.sync(ALICE);
    const waiting = scene.sync(ALICE, { since: first.next_batch, timeoutMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await scene.service.stop();
    assert.deepEqual((await waiting).join, []);
  });

  it('says where in a room a token stands', async () => {
    await using scene = new SyncScene();
    member(scene, ALICE, 'join');
    const { next_batch } = await scene.sync(ALICE);
    const next = say(scene, ALICE, 'later');
    assert.equal(await scene.service.placeOf(next_batch, ROOM), next.place);
    assert.equal(await scene.service.placeOf('t5', ROOM), undefined);
  });
});
