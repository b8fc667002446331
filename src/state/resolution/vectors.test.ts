import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pdu } from '../../matrix/event.ts';
import { prevEventIds } from '../../matrix/event-format.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import { roomVersion } from '../../matrix/room-versions.ts';
import { specVectors } from '../../matrix/spec-vectors.fixture.ts';
import { StateTree } from '../state-tree.ts';
import { MemoryAuthSource } from './memory-source.fixture.ts';
import { resolveStates } from './resolve.ts';

/** Cases of other servers' tests, from the spec folder. */

type VectorEvent = Pdu & { readonly event_id: EventId };

interface Case {
  readonly kind: 'batches' | 'state_sets';
  readonly room_version: string;
  readonly batches?: readonly (readonly VectorEvent[])[];
  readonly state_sets?: readonly (readonly EventId[])[];
  readonly pdus?: readonly VectorEvent[];
  readonly expected_state: readonly { type: string; state_key: string; event_id: EventId }[];
}

/** One case while it is tried: its events are put into the source as they come. */
class Trial {
  readonly source = new MemoryAuthSource();
  readonly #case: Case;

  constructor(of: Case) {
    this.#case = of;
    for (const pdu of of.pdus ?? of.batches?.flat() ?? [])
      this.source.add({ id: pdu.event_id, pdu, rejected: false });
  }

  stateOf(ids: readonly EventId[]): StateTree {
    const entries = ids.map((id) => {
      const { type, state_key = '' } = this.source.all.get(id)?.pdu ?? assert.fail(id);
      return { type, stateKey: state_key, eventId: id };
    });
    return StateTree.fromEntries(entries);
  }

  async resolve(states: readonly StateTree[]): Promise<StateTree> {
    const version = roomVersion(this.#case.room_version) ?? assert.fail();
    const verifier = { verify: () => false };
    return (await resolveStates(states, { version, source: this.source, verifier })).state;
  }

  check(state: StateTree): void {
    const expected = this.#case.expected_state.map(({ type, state_key, event_id }) => ({
      type,
      stateKey: state_key,
      eventId: event_id,
    }));
    assert.deepEqual(new Map(list(state)), new Map(list(StateTree.fromEntries(expected))));
  }
}

function list(state: StateTree): readonly (readonly [string, EventId])[] {
  return [...state.entries()].map(({ type, stateKey, eventId }) => [`${type} ${stateKey}`, eventId] as const);
}

async function oneByOne(trial: Trial, batches: readonly (readonly VectorEvent[])[]): Promise<StateTree> {
  const after = new Map<EventId, StateTree>();
  const ends = new Set<EventId>();
  for (const pdu of batches.flat()) {
    const previous = prevEventIds(pdu);
    const before = await trial.resolve(previous.map((id) => after.get(id) ?? assert.fail(id)));
    after.set(pdu.event_id, before.set(pdu.type, pdu.state_key ?? '', pdu.event_id));
    for (const id of previous) ends.delete(id);
    ends.add(pdu.event_id);
  }
  return trial.resolve([...ends].map((id) => after.get(id) ?? assert.fail(id)));
}

async function batchByBatch(trial: Trial, batches: readonly (readonly VectorEvent[])[]): Promise<StateTree> {
  let state: StateTree | undefined;
  for (const batch of batches) {
    const singles = batch.map(({ event_id }) => trial.stateOf([event_id]));
    state = await trial.resolve(state === undefined ? singles : [state, ...singles]);
  }
  return state ?? assert.fail();
}

const NAMES = [
  'ban_vs_power_levels',
  'concurrent_joins',
  'join_rules_vs_join',
  'minimal_private_chat',
  'minimal_public_chat',
  'msc4297_problem_a_state_res_v2_0',
  'msc4297_problem_a_state_res_v2_1',
  'msc4297_problem_b_state_res_v2_0',
  'msc4297_problem_b_state_res_v2_1',
  'origin_server_ts_tiebreak',
  'power_levels_admin_vs_mod',
  'topic_vs_ban',
  'topic_vs_power_levels',
];

for (const name of NAMES) {
  const vectors = specVectors(`vectors/state-res/${name}.json`);
  describe(`the resolution of ${name}`, { skip: vectors.skip }, () => {
    if (vectors.skip !== false) return;
    const each = vectors.json<Case>();
    const { state_sets: sets, batches = [] } = each;
    if (sets !== undefined) {
      it('is as expected, whichever state comes first', async () => {
        for (const order of [sets, sets.toReversed()]) {
          const trial = new Trial(each);
          trial.check(await trial.resolve(order.map((ids) => trial.stateOf(ids))));
        }
      });
      return;
    }
    it('is as expected event by event', async () => {
      const trial = new Trial(each);
      trial.check(await oneByOne(trial, batches));
    });
    it('is as expected batch by batch', async () => {
      const trial = new Trial(each);
      trial.check(await batchByBatch(trial, batches));
    });
    it('is as expected of all events at once, each a state of its own', async () => {
      const trial = new Trial(each);
      trial.check(await trial.resolve(batches.flat().map(({ event_id }) => trial.stateOf([event_id]))));
    });
  });
}
