import type { EventId } from '../../matrix/identifiers.ts';
import { diff } from '../diff.ts';
import type { Visits } from '../node.ts';
import type { StateTree } from '../state-tree.ts';
import { keyName } from './auth-source.ts';

/** A key on which the states do not agree. */
export interface ConflictedKey {
  readonly type: string;
  readonly stateKey: string;
  /** What holds for it in each state, in their order; undefined where the state has no such key. */
  readonly held: readonly (EventId | undefined)[];
}

/**
 * On what some states agree and on what not, found by the difference of their trees: it opens what differs, however
 * large the room.
 */
export class Conflict {
  /** Keys that some states hold otherwise than others, or not at all; by `keyName`. */
  readonly keys: ReadonlyMap<string, ConflictedKey>;
  readonly count: number;
  readonly #first: StateTree;
  readonly #visits: Visits;
  readonly #lookedUp = new Map<string, EventId | undefined>();

  private constructor(
    first: StateTree,
    count: number,
    keys: ReadonlyMap<string, ConflictedKey>,
    visits: Visits,
  ) {
    this.#first = first;
    this.count = count;
    this.keys = keys;
    this.#visits = visits;
  }

  /** Compares states. @param visits counts the branches of trees that are opened, now and by `agreed` */
  static of(states: readonly [StateTree, ...StateTree[]], visits: Visits = { branches: 0 }): Conflict {
    const [first, ...others] = states;
    const keys = new Map<string, { type: string; stateKey: string; held: (EventId | undefined)[] }>();
    for (const [index, other] of others.entries()) {
      for (const { type, stateKey, before, after } of diff(first, other, visits)) {
        const name = keyName(type, stateKey);
        const present = keys.get(name) ?? { type, stateKey, held: states.map(() => before) };
        present.held[index + 1] = after;
        keys.set(name, present);
      }
    }
    return new Conflict(first, states.length, keys, visits);
  }

  /** What all states hold for a key: the unconflicted state map (spec: room version 2, "Definitions"). */
  agreed(type: string, stateKey: string): EventId | undefined {
    const name = keyName(type, stateKey);
    if (this.keys.has(name)) return undefined;
    if (!this.#lookedUp.has(name)) this.#lookedUp.set(name, this.#first.get(type, stateKey, this.#visits));
    return this.#lookedUp.get(name);
  }

  /** The conflicted events that the state of this index holds. */
  *heldIn(index: number): Generator<EventId, void, undefined> {
    for (const { held } of this.keys.values()) {
      const id = held[index];
      if (id !== undefined) yield id;
    }
  }

  /** The conflicted state set: each event once. */
  events(): ReadonlySet<EventId> {
    return new Set([...this.keys.values()].flatMap(({ held }) => held.filter((id) => id !== undefined)));
  }

  /**
   * The state that is agreed, with what was resolved put to it: the conflicted keys as resolved or gone, any other
   * that was resolved only where no state has it.
   */
  settle(resolved: Iterable<ResolvedKey>): StateTree {
    let state = this.#first;
    for (const { type, stateKey } of this.keys.values()) state = state.remove(type, stateKey);
    for (const { type, stateKey, eventId } of resolved) {
      if (this.agreed(type, stateKey) === undefined) state = state.set(type, stateKey, eventId);
    }
    return state;
  }
}

/** A key and the event that is to hold for it. */
export interface ResolvedKey {
  readonly type: string;
  readonly stateKey: string;
  readonly eventId: EventId;
}
