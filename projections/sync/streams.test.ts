import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asRoomId, asUserId } from '../../src/matrix/identifiers.ts';
import { SyncScene } from './scene.fixture.ts';

const ALICE = asUserId('@alice:a.example');
const BOB = asUserId('@bob:a.example');
const ROOM = asRoomId('!room:a.example');
const OTHER = asRoomId('!other:a.example');

const never = new AbortController().signal;

function member(scene: SyncScene, user: typeof ALICE, membership: string, room = ROOM) {
  return scene.house.event(room, user, 'm.room.member', { membership }, { state_key: user });
}

function say(scene: SyncScene, body: string, room = ROOM) {
  return scene.house.event(room, BOB, 'm.room.message', { msgtype: 'm.text', body }).event_id;
}

/** Goes on by steps until nothing comes any more. @returns the IDs of each answer's events. */
async function steps(scene: SyncScene, since: string, step: number): Promise<readonly (readonly string[])[]> {
  const answers: string[][] = [];
  for (let token = since, before = ''; token !== before; ) {
    before = token;
    const answer = await scene.sync(ALICE, { since: token, step, filter: WIDE });
    answers.push(answer.join.flatMap(({ timeline }) => timeline.events.map(({ event_id }) => event_id)));
    token = answer.next_batch;
  }
  return answers;
}

const WIDE = { room: { timeline: { limit: 1_000 } } };

describe('a stream that goes on by steps', () => {
  it('leaves nothing out, whatever came, and no answer has more than a step', async () => {
    await using scene = new SyncScene({ slots: 1 });
    for (const room of [ROOM, OTHER]) {
      member(scene, ALICE, 'join', room);
      member(scene, BOB, 'join', room);
    }
    const { next_batch } = await scene.sync(ALICE);
    const said = Array.from({ length: 23 }, (_, number) =>
      say(scene, `${number}`, number % 3 ? ROOM : OTHER),
    );
    const answers = await steps(scene, next_batch, 5);
    assert.deepEqual(answers.flat().sort(), said.toSorted());
    assert.ok(
      answers.every(({ length }) => length <= 5),
      JSON.stringify(answers.map(({ length }) => length)),
    );
  });

  it('begins now without a token, and with one of another log', async () => {
    await using scene = new SyncScene();
    member(scene, ALICE, 'join');
    member(scene, BOB, 'join');
    say(scene, 'earlier');
    for (const since of [undefined, 's1_0123abcd_AAAA']) {
      const first = await scene.sync(ALICE, { step: 10, ...(since === undefined ? {} : { since }) });
      assert.deepEqual(first.join, []);
      const later = say(scene, 'later');
      const next = await scene.sync(ALICE, { step: 10, since: first.next_batch });
      assert.deepEqual(
        next.join.flatMap(({ timeline }) => timeline.events.map(({ event_id }) => event_id)),
        [later],
      );
    }
  });

  it('tells of a room that was joined long after its partition began from the membership on', async () => {
    await using scene = new SyncScene({ slots: 1 });
    member(scene, BOB, 'join');
    const { next_batch } = await scene.sync(ALICE);
    for (let number = 0; number < 30; number += 1) say(scene, `${number}`);
    const join = member(scene, ALICE, 'join').event_id;
    const welcome = say(scene, 'welcome');
    const [first = []] = await steps(scene, next_batch, 5);
    assert.deepEqual(first.slice(-2), [join, welcome]);
  });
});

describe('the stream of one room', () => {
  const ask = { roomId: ROOM, signal: never, most: 5, timeoutMs: 0 };

  it('goes from stretch to stretch over everything in the room, and over what is elsewhere', async () => {
    await using scene = new SyncScene({ slots: 1 });
    member(scene, BOB, 'join');
    const begin = await scene.service.room(ROOM, ALICE, scene.written());
    for (let number = 0; number < 12; number += 1) say(scene, `${number}`);
    for (let number = 0; number < 12; number += 1) say(scene, `${number}`, OTHER);
    say(scene, 'last');
    const places: number[] = [];
    for (let since = begin.token; ; ) {
      const { from, to } = await scene.service.roomSince({ ...ask, since, written: scene.written() });
      if (from.place === to.place) break;
      assert.ok(to.place - from.place <= 5, `${to.place - from.place} events`);
      for (let { place } = from; place < to.place; place += 1) places.push(place);
      since = to.token;
    }
    assert.deepEqual(
      places,
      Array.from({ length: 13 }, (_, index) => begin.place + index),
    );
  });

  it('waits for something to happen in the room, not elsewhere', async () => {
    await using scene = new SyncScene({ slots: 1 });
    member(scene, BOB, 'join');
    const { token, place } = await scene.service.room(ROOM, ALICE, scene.written());
    let answered = false;
    const waiting = scene.service
      .roomSince({ ...ask, since: token, timeoutMs: 60_000 })
      .finally(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    say(scene, 'elsewhere', OTHER);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(answered, false);
    say(scene, 'here');
    const { from, to } = await waiting;
    assert.deepEqual([from.place, to.place], [place, place + 1]);
  });

  it('answers when the client goes, and when the service stops', async () => {
    await using scene = new SyncScene();
    member(scene, BOB, 'join');
    const { token } = await scene.service.room(ROOM, ALICE, scene.written());
    const gone = new AbortController();
    const since = { ...ask, since: token, timeoutMs: 60_000 };
    const waiting = [
      scene.service.roomSince({ ...since, signal: gone.signal }),
      scene.service.roomSince(since),
    ];
    await new Promise((resolve) => setTimeout(resolve, 20));
    gone.abort();
    const first = await waiting[0];
    await scene.service.stop();
    const second = await waiting[1];
    assert.equal(first?.from.place, first?.to.place);
    assert.equal(second?.from.place, second?.to.place);
  });

  it('says that the models are behind rather than leave anything out', async () => {
    await using scene = new SyncScene();
    member(scene, BOB, 'join');
    const { token } = await scene.service.room(ROOM, ALICE, scene.written());
    say(scene, 'not in the models');
    scene.reads.catchesUp = false;
    await assert.rejects(scene.service.roomSince({ ...ask, since: token, written: scene.written() }), {
      code: 'UNAVAILABLE',
    });
  });
});
