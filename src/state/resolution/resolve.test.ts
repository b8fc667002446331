import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { EventId } from '../../matrix/identifiers.ts';
import { ROOM_VERSIONS, type RoomVersion, roomVersion } from '../../matrix/room-versions.ts';
import { StateTreeError } from '../errors.ts';
import { StateTree } from '../state-tree.ts';
import { ALICE, BOB, CAROL, DAVE, ForkedRoom, member, state } from './forked-room.fixture.ts';

function known(id: string): RoomVersion {
  return roomVersion(id) ?? assert.fail(id);
}

const sha1 = (id: EventId) => hash('sha1', id, 'hex');
const topic = (said: string, sender = ALICE) => state('m.room.topic', '', sender, { topic: said });
const power = (levels: Readonly<Record<string, number>>) =>
  state('m.room.power_levels', '', ALICE, { users: { [ALICE]: 100, ...levels } });

describe('states that do not differ', () => {
  for (const version of ROOM_VERSIONS) {
    it(`are what they are, version ${version.id}`, async () => {
      const room = new ForkedRoom(version);
      const now = room.stateAfter(room.last);
      room.source.reads = 0;
      for (const states of [[now], [now, now, StateTree.fromEntries(now.entries())]]) {
        assert.equal((await room.resolve(states)).state.root, now.root);
      }
      assert.equal((await room.resolve([])).state.size, 0);
      assert.equal(room.source.reads, 0);
    });
  }
});

it('an event that the source lacks is told, not guessed at', async () => {
  const [room, other] = [new ForkedRoom(known('11')), new ForkedRoom(known('11'), 'another')];
  const strange = other.put([other.last], topic('strange'));
  const states = [room.stateAfter(room.last), room.stateAfter(room.last).set('m.room.topic', '', strange)];
  await assert.rejects(
    room.resolve(states),
    (error) => error instanceof StateTreeError && error.fault === 'missing',
  );
});

describe('version 1', () => {
  const room = () => new ForkedRoom(known('1'));

  it('what one state has and another lacks is no conflict: it is there', async () => {
    const forked = room();
    const start = forked.last;
    const [one, two] = [forked.put([start], topic('x')), forked.put([start], member(DAVE, DAVE, 'join'))];
    const { state: resolved, conflicted } = await forked.resolve(
      [one, two].map((id) => forked.stateAfter(id)),
    );
    assert.deepEqual([resolved.get('m.room.topic', ''), resolved.get('m.room.member', DAVE)], [one, two]);
    assert.equal(conflicted.size, 0);
  });

  it('of two topics the deeper stands, of two as deep the one of the lower SHA-1', async () => {
    const forked = room();
    const start = forked.last;
    const one = forked.put([start], topic('one'));
    const two = forked.put([start], topic('two'));
    const equal = await forked.resolve([one, two].map((id) => forked.stateAfter(id)));
    assert.equal(equal.state.get('m.room.topic', ''), sha1(one) < sha1(two) ? one : two);
    const deep = forked.put([one], topic('deep'));
    const { state: resolved } = await forked.resolve([deep, two].map((id) => forked.stateAfter(id)));
    assert.equal(resolved.get('m.room.topic', ''), deep);
  });

  it('a deeper topic that the resolved power levels do not allow gives way; where none is allowed none stands', async () => {
    const forked = room();
    const start = forked.last;
    const allowed = forked.put([start], power({ [BOB]: 50, [CAROL]: 50 }));
    const carols = forked.put([forked.put([allowed], topic('first'))], topic('carol', CAROL));
    const alices = forked.put([start], topic('alice'));
    const raised = forked.put([alices], state('m.room.power_levels', '', ALICE, { users: { [ALICE]: 100 } }));
    const deeper = forked.put([raised], topic('alice again'));
    const { state: resolved } = await forked.resolve([carols, deeper].map((id) => forked.stateAfter(id)));
    assert.equal(resolved.get('m.room.power_levels', ''), raised);
    assert.equal(resolved.get('m.room.topic', ''), deeper);
    const bobs = forked.put([start], topic('bob', CAROL));
    const daves = forked.put([start], topic('dave', DAVE));
    const none = [bobs, daves].map((id) => forked.stateAfter(raised).set('m.room.topic', '', id));
    assert.equal((await forked.resolve(none)).state.get('m.room.topic', ''), undefined);
  });

  it('power levels are taken from the shallowest on, until one is not allowed', async () => {
    const forked = room();
    const first = forked.put([forked.last], power({ [BOB]: 50, [CAROL]: 10 }));
    const second = forked.put([forked.put([first], topic('x'))], state('m.room.power_levels', '', CAROL, {}));
    const third = forked.put([second], power({ [BOB]: 99 }));
    const held = [third, first, second];
    const { state: resolved } = await forked.resolve(
      held.map((id) => forked.stateAfter(first).set('m.room.power_levels', '', id)),
    );
    assert.equal(resolved.get('m.room.power_levels', ''), first);
  });
});

describe('from version 2 on', () => {
  for (const id of ['2', '11', '12']) {
    it(`a rejected auth event does not stand in for what the state lacks, version ${id}`, async () => {
      for (const rejected of [false, true]) {
        const forked = new ForkedRoom(known(id));
        const start = forked.put(
          [forked.last],
          state('m.room.join_rules', '', ALICE, { join_rule: 'invite' }),
        );
        const now = forked.stateAfter(start);
        const joined = forked.put([start], member(DAVE, DAVE, 'join'), { rejected });
        // As if a server had taken the join for what authorises the topic.
        forked.after.set(joined, now.set('m.room.member', DAVE, joined));
        const daves = forked.put([joined], topic('dave', DAVE));
        const { state: resolved } = await forked.resolve([now, now.set('m.room.topic', '', daves)]);
        assert.equal(resolved.get('m.room.member', DAVE), undefined);
        assert.equal(resolved.get('m.room.topic', ''), rejected ? undefined : daves);
      }
    });
  }
});

/**
 * The specification of the cell `stateResolution` of the table of room versions (`room-version-cells.test.ts` has the
 * others): three forks that the three algorithms settle otherwise.
 */
describe('which algorithm a version has', () => {
  const join = (displayname: string) => member(CAROL, CAROL, 'join', { displayname });

  /** Whether a state that has a topic and one that never had settle on it, though its sender was never in the room. */
  async function takesUnion(rules: RoomVersion, made: RoomVersion): Promise<boolean> {
    const forked = new ForkedRoom(made);
    const start = forked.last;
    const forged = forked.put([start], topic('mine', DAVE));
    Object.assign(forked, { version: rules });
    const { state: resolved } = await forked.resolve([start, forged].map((id) => forked.stateAfter(id)));
    return resolved.get('m.room.topic', '') === forged;
  }

  /** Whether more than what the states hold is gone through: events between, from version 12 on. */
  async function takesBetween(rules: RoomVersion, made: RoomVersion): Promise<boolean> {
    const forked = new ForkedRoom(made);
    const first = forked.put([forked.last], join('one'));
    const between = forked.put([first], join('two'));
    const last = forked.put([between], join('three'));
    // What one state still holds, both have in their auth chains, and what lies between as well.
    const word = forked.put([last], state('x', '', CAROL, {}));
    const common = forked.stateAfter(word);
    Object.assign(forked, { version: rules });
    const older = common.set('m.room.member', CAROL, first);
    const { conflicted } = await forked.resolve([common, older]);
    return conflicted.has(between);
  }

  const found = async (rules: RoomVersion, made: RoomVersion) =>
    `${await takesUnion(rules, made)} ${await takesBetween(rules, made)}`;
  const expected = (version: RoomVersion) => {
    if (Number(version.id) === 1) return 'true false';
    return Number(version.id) < 12 ? 'false false' : 'false true';
  };

  for (const [index, version] of ROOM_VERSIONS.entries()) {
    it(`version ${version.id}: whether it takes what one state lacks unseen, and what lies between`, async () => {
      assert.equal(await found(version, version), expected(version));
    });
    for (const neighbour of [ROOM_VERSIONS[index - 1], ROOM_VERSIONS[index + 1]]) {
      if (neighbour === undefined || neighbour.stateResolution === version.stateResolution) continue;
      it(`version ${version.id} with the algorithm of version ${neighbour.id} does otherwise`, async () => {
        const wrong = { ...version, stateResolution: neighbour.stateResolution };
        assert.notEqual(await found(wrong, version), expected(version));
      });
    }
  }
});
