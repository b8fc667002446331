import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { EventId } from '../../matrix/identifiers.ts';
import { roomVersion } from '../../matrix/room-versions.ts';
import type { StateTree } from '../state-tree.ts';
import {
  ALICE,
  BOB,
  CAROL,
  crowdUser,
  DAVE,
  type Draft,
  ForkedRoom,
  member,
  state,
} from './forked-room.fixture.ts';

/** What a resolution may read for each event of the conflict: nodes of trees, events and their places. */
const MOST_FOR_EACH = 50;

const topic = (said: string, sender = ALICE): Draft => state('m.room.topic', '', sender, { topic: said });
const power = (room: ForkedRoom, bob: number, sender = ALICE): Draft => {
  const users = room.version.creatorsPrivileged ? {} : { [ALICE]: 100 };
  return state('m.room.power_levels', '', sender, { users: { ...users, [BOB]: bob } });
};
const crowd = (from: number, count: number) => Array.from({ length: count }, (_, i) => crowdUser(from + i));
const renamed = (i: number): Draft => member(crowdUser(i), crowdUser(i), 'join', { displayname: 'new' });

/** What happens on each side of a fork. */
type Fork = (room: ForkedRoom) => readonly (readonly Draft[])[];

const FORKS: Readonly<Record<string, Fork>> = {
  'somebody joins, and nothing happens': () => [[member(DAVE, DAVE, 'join')], []],
  'a new topic, and nothing happens': () => [[topic('new')], []],
  'two topics': () => [[topic('one')], [topic('two', BOB)]],
  'power levels, and a topic': (room) => [[power(room, 60)], [topic('new')]],
  'power levels of two senders': (room) => [[power(room, 60)], [power(room, 50, BOB)]],
  'a ban, and a new name of who is banned': () => [[member(ALICE, crowdUser(5), 'ban')], [renamed(5)]],
  'the room is closed, and somebody joins': () => [
    [state('m.room.join_rules', '', ALICE, { join_rule: 'invite' })],
    [member(DAVE, DAVE, 'join')],
  ],
  'twenty join, twenty get new names': () => [
    crowd(1_000_000, 20).map((user) => member(user, user, 'join')),
    crowd(100, 20).map((_, i) => renamed(100 + i)),
  ],
  'a hundred are thrown out, and a hundred new topics': () => [
    crowd(200, 100).map((user) => member(ALICE, user, 'leave')),
    crowd(0, 100).map((_, i) => topic(`${i}`)),
  ],
  'two thousand topics, and one': () => [crowd(0, 2_000).map((_, i) => topic(`${i}`)), [topic('one', BOB)]],
  'ten are invited, each by the one before, and nothing happens': () => [
    crowd(2_000_000, 10).flatMap((user, i) => [
      member(i === 0 ? ALICE : crowdUser(2_000_000 + i - 1), user, 'invite'),
      member(user, user, 'join'),
    ]),
    [],
  ],
  'power levels, and then who has the power acts, on three sides': (room) => [
    [power(room, 70), topic('one', BOB), member(BOB, CAROL, 'ban')],
    [power(room, 80), member(BOB, crowdUser(3), 'leave')],
    [state('m.room.join_rules', '', ALICE, { join_rule: 'invite' }), topic('three')],
  ],
};

interface Cost {
  readonly nodes: number;
  readonly events: number;
  readonly conflict: number;
}

async function costOf(room: ForkedRoom, from: EventId, fork: Fork): Promise<Cost> {
  const states = fork(room).map((drafts): StateTree => {
    const last = drafts.reduce((previous, draft) => room.put([previous], draft), from);
    return room.stateAfter(last);
  });
  // Roots are recorded with each event: nobody hashes a whole state to resolve it.
  for (const each of states) assert.ok(each.root);
  const visits = { branches: 0 };
  room.source.reads = 0;
  const { conflicted } = await room.resolve(states, visits);
  return { nodes: visits.branches, events: room.source.reads, conflict: conflicted.size };
}

for (const id of ['1', '2', '11', '12']) {
  describe(`what a resolution costs in rooms of version ${id}`, () => {
    const sizes = [1_000, 100_000] as const;
    const rooms = new Map<number, { room: ForkedRoom; from: EventId }>();
    before(() => {
      for (const size of sizes) {
        const room = new ForkedRoom(roomVersion(id) ?? assert.fail());
        room.put([room.last], topic('first'));
        const from = room.crowd(size);
        assert.ok(room.stateAfter(from).root);
        rooms.set(size, { room, from });
      }
    });
    for (const [name, fork] of Object.entries(FORKS)) {
      it(`${name}: at most ${MOST_FOR_EACH} times the conflict, at 1,000 and at 100,000 members`, async () => {
        const costs: Cost[] = [];
        for (const size of sizes) {
          const { room, from } = rooms.get(size) ?? assert.fail();
          const cost = await costOf(room, from, fork);
          // In version 1 what one state has and another lacks is no conflict, and is just taken.
          const conflict = Math.max(cost.conflict, 1);
          assert.ok(cost.nodes + cost.events <= MOST_FOR_EACH * conflict, JSON.stringify(cost));
          costs.push(cost);
        }
        const [small, large] = costs;
        assert.ok(small !== undefined && large !== undefined);
        assert.equal(large.conflict, small.conflict);
        assert.equal(large.events, small.events, 'as many events, however large the room');
        // A tree of 100,000 is five deep and one of 1,000 three, and there changes share branches.
        assert.ok(large.nodes <= 3 * small.nodes + small.conflict, JSON.stringify(costs));
      });
    }
  });
}

describe('a long history of power levels', () => {
  for (const id of ['2', '12']) {
    it(`is not gone through where old and new meet, version ${id}`, async () => {
      const room = new ForkedRoom(roomVersion(id) ?? assert.fail());
      const old = room.put([room.last], topic('old'));
      let last = old;
      for (let i = 0; i < 2_000; i++) last = room.put([last], power(room, 50 + (i % 10)));
      const cost = await costOf(room, last, () => [
        [topic('one')],
        [member(DAVE, DAVE, 'join'), topic('two', BOB)],
      ]);
      assert.ok(cost.nodes + cost.events <= MOST_FOR_EACH * cost.conflict, JSON.stringify(cost));
      room.source.reads = 0;
      const { conflicted, state: resolved } = await room.resolve([
        room.stateAfter(last),
        room.stateAfter(last).set('m.room.topic', '', room.put([last], topic('three'))),
        room.stateAfter(last).set('m.room.topic', '', old),
      ]);
      assert.ok(
        room.source.reads <= MOST_FOR_EACH * conflicted.size,
        `${room.source.reads} of ${conflicted.size}`,
      );
      assert.equal(
        room.source.all.get(resolved.get('m.room.topic', '') ?? old)?.pdu.content['topic'],
        'three',
      );
    });
  }
});
