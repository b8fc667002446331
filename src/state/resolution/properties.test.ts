import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asUserId, type EventId } from '../../matrix/identifiers.ts';
import { roomVersion } from '../../matrix/room-versions.ts';
import { StateTree } from '../state-tree.ts';
import { ALICE, attempts, BOB, type Draft, ForkedRoom, grow, member, state } from './forked-room.fixture.ts';
import { key, PlainResolution } from './plain-resolution.fixture.ts';

function known(id: string) {
  return roomVersion(id) ?? assert.fail(id);
}

function plain(tree: StateTree): ReadonlyMap<string, EventId> {
  return new Map([...tree.entries()].map(({ type, stateKey, eventId }) => [key(type, stateKey), eventId]));
}

/** Which of a room's states are resolved, counted from the newest. */
const chosen = fc.uniqueArray(fc.nat(8), { minLength: 2, maxLength: 4 });

function statesOf(room: ForkedRoom, backs: readonly number[]): readonly StateTree[] {
  return backs.map((back) => room.stateAfter(room.ids.at(-1 - back) ?? room.last));
}

const MALLORY = asUserId('@mallory:bad');
/** What a server might bring that says its events were in the state: none of them was ever allowed. */
const FORGERIES: readonly Draft[] = [
  state('m.room.power_levels', '', MALLORY, { users: { [MALLORY]: 100, [ALICE]: 100 } }),
  state('m.room.join_rules', '', MALLORY, { join_rule: 'public' }),
  member(MALLORY, ALICE, 'ban'),
  member(MALLORY, BOB, 'leave'),
  state('m.room.topic', '', MALLORY, { topic: 'mine' }),
  state('x', 'new', MALLORY, {}),
  state('m.room.name', '', BOB, { name: 'above me' }),
];

for (const id of ['1', '2', '6', '11', '12']) {
  const version = known(id);
  describe(`a room of version ${id} that has forked`, () => {
    it('is resolved to the same, in whatever order its states come and however often', async () => {
      await fc.assert(
        fc.asyncProperty(attempts, chosen, fc.infiniteStream(fc.nat()), async (list, backs, chance) => {
          const room = new ForkedRoom(version);
          await grow(room, list);
          const states = statesOf(room, backs);
          const { state: resolved } = await room.resolve(states);
          const shuffled = [...states, ...states.slice(0, 1)]
            .map((each) => ({ each, at: chance.next().value ?? 0 }))
            .sort((a, b) => a.at - b.at);
          const again = await room.resolve(shuffled.map(({ each }) => each));
          assert.equal(again.state.root, resolved.root);
        }),
        { numRuns: 60 },
      );
    });

    it('keeps what its states agree on', async () => {
      await fc.assert(
        fc.asyncProperty(attempts, chosen, async (list, backs) => {
          const room = new ForkedRoom(version);
          await grow(room, list);
          const [first = StateTree.empty, ...others] = statesOf(room, backs);
          const { state: resolved } = await room.resolve([first, ...others]);
          for (const { type, stateKey, eventId } of first.entries()) {
            if (others.every((other) => other.get(type, stateKey) === eventId)) {
              assert.equal(resolved.get(type, stateKey), eventId);
            }
          }
        }),
        { numRuns: 60 },
      );
    });

    it('takes in nothing that fails auth, though one of the states has it', async () => {
      await fc.assert(
        fc.asyncProperty(attempts, chosen, fc.constantFrom(...FORGERIES), async (list, backs, forgery) => {
          const room = new ForkedRoom(version);
          await grow(room, list);
          const [first = StateTree.empty, ...others] = statesOf(room, backs);
          const base = room.ids.at(-1 - (backs[0] ?? 0)) ?? room.last;
          const forged = room.put([base], forgery);
          const pdu = room.source.all.get(forged)?.pdu ?? assert.fail();
          // Somebody may have given the sender the power for it.
          fc.pre(!room.isAllowed(pdu, first) && others.every((other) => !room.isAllowed(pdu, other)));
          fc.pre(room.ids.every((each) => !room.isAllowed(pdu, room.stateAfter(each).set('none', '', each))));
          // In version 1 the shallowest of power levels, rules or memberships stands unseen.
          const isShallowest =
            version.stateResolution === 'v1' && others.every((o) => deeper(room, o, forged));
          fc.pre(!isShallowest && others.every((other) => has(other, forgery)));
          const { state: resolved } = await room.resolve([room.stateAfter(forged), ...others]);
          assert.notEqual(resolved.get(forgery.type, forgery.stateKey), forged);
        }),
        { numRuns: 60, maxSkipsPerRun: 500 },
      );
    });

    if (version.stateResolution === 'v1') return;
    it('comes to what the spec says, word by word', async () => {
      await fc.assert(
        fc.asyncProperty(attempts, chosen, async (list, backs) => {
          const room = new ForkedRoom(version);
          await grow(room, list);
          const states = statesOf(room, backs);
          const spec = new PlainResolution(version, room.source.all);
          const { state: resolved, conflicted } = await room.resolve(states);
          assert.deepEqual(plain(resolved), spec.resolve(states.map(plain)));
          if (conflicted.size > 0) assert.deepEqual(conflicted, spec.sets(states.map(plain)).full);
        }),
        { numRuns: 100 },
      );
    });
  });
}

function has(tree: StateTree, { type, stateKey }: Draft): boolean {
  return tree.get(type, stateKey) !== undefined;
}

function deeper(room: ForkedRoom, other: StateTree, forged: EventId): boolean {
  const { type, state_key = '', depth } = room.source.all.get(forged)?.pdu ?? assert.fail();
  const held = other.get(type, state_key);
  return held === undefined || (room.source.all.get(held)?.pdu.depth ?? 0) >= depth;
}
