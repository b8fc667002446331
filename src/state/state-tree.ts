import type { EventId } from '../matrix/identifiers.ts';
import { isEncodable, type StateEntry, stateEntry } from './entry.ts';
import { StateTreeError } from './errors.ts';
import { type KeyPath, sha256KeyPath } from './key-path.ts';
import {
  buildNode,
  findEntry,
  leafOf,
  type Node,
  nodeEntries,
  nodeSize,
  type PlacedEntry,
  type Visits,
} from './node.ts';
import { nodeRoot } from './node-encode.ts';
import type { StateRoot } from './root.ts';
import type { StateChange } from './state-change.ts';
import { insert, remove } from './update.ts';

/**
 * A room's state: an immutable map from (type, state key) to event ID. A change makes a new tree that shares all
 * it can with the old one. The form is canonical: the same entries give the same root, in whatever order they
 * came and whatever was removed between.
 *
 * In a state of 100,000, setting a key makes four new nodes or five (at most six, unless somebody computed keys to
 * collide) and takes 23 µs with the root; `get` takes 1 µs. There is no quick way to the entries of one type: keys
 * are spread by their hash (docs/adr/0003-state-tree.md).
 */
export class StateTree {
  /** The state of a room that has none. */
  static readonly empty: StateTree = new StateTree(leafOf([]), sha256KeyPath);

  /** The topmost node. For this folder only: what it looks like is no promise. */
  readonly top: Node;
  /** How keys are placed: `sha256KeyPath`, but in tests. For this folder only. */
  readonly keyPath: KeyPath;

  /** For this folder only: others start from `empty`, `fromEntries` or `loadTree`. */
  constructor(top: Node, keyPath: KeyPath) {
    this.top = top;
    this.keyPath = keyPath;
  }

  /**
   * The state of these entries; of two with the same key the later one counts. Quicker than a `set` for each,
   * and shares the text of every type. Throws as `set` does.
   */
  static fromEntries(entries: Iterable<StateEntry>, keyPath: KeyPath = sha256KeyPath): StateTree {
    const byType = new Map<string, { type: string; keys: Map<string, PlacedEntry> }>();
    for (const given of entries) {
      let group = byType.get(given.type);
      if (group === undefined) {
        group = { type: given.type, keys: new Map() };
        byType.set(given.type, group);
      }
      // The group's text of the type, not this entry's: a hundred thousand members hold it once.
      const entry = stateEntry(group.type, given.stateKey, given.eventId);
      group.keys.set(entry.stateKey, { entry, path: keyPath(entry.type, entry.stateKey) });
    }
    const placed = [...byType.values()].flatMap(({ keys }) => [...keys.values()]);
    return new StateTree(buildNode(placed, 0), keyPath);
  }

  /** How many entries there are. */
  get size(): number {
    return nodeSize(this.top);
  }

  /** The name of this state. Hashes the nodes that are new since the last time and remembers the result. */
  get root(): StateRoot {
    return nodeRoot(this.top);
  }

  /** The event that holds for (type, state key), if any. `visits`, if given, counts branches that were opened. */
  get(type: string, stateKey: string, visits?: Visits): EventId | undefined {
    if (!isEncodable(type) || !isEncodable(stateKey)) return undefined;
    return findEntry(this.top, type, stateKey, this.keyPath, 0, visits)?.eventId;
  }

  /**
   * The state in which `eventId` holds for (type, state key); this same tree when it holds already. Throws
   * `StateTreeError` (`unencodable`) for strings that no valid event has: a lone surrogate, over 65,535 bytes.
   */
  set(type: string, stateKey: string, eventId: EventId): StateTree {
    const entry = stateEntry(type, stateKey, eventId);
    const target = { entry, path: this.keyPath(type, stateKey), keyPath: this.keyPath };
    return this.#with(insert(this.top, target, 0));
  }

  /** The state without (type, state key); this same tree when it has no such key. */
  remove(type: string, stateKey: string): StateTree {
    if (!isEncodable(type) || !isEncodable(stateKey)) return this;
    return this.#with(remove(this.top, type, stateKey, this.keyPath(type, stateKey), 0));
  }

  /**
   * The state after these changes, one after the other: `after` is set, or the key removed where there is none.
   * `before` is not looked at. `a.apply(diff(a, b))` equals `b`. Throws as `set` does.
   */
  apply(changes: Iterable<StateChange>): StateTree {
    let tree: StateTree = this;
    for (const { type, stateKey, after } of changes) {
      tree = after === undefined ? tree.remove(type, stateKey) : tree.set(type, stateKey, after);
    }
    return tree;
  }

  /** Every entry, in the order of the tree: the same for equal states, but with no meaning to people. */
  entries(): IterableIterator<StateEntry> {
    return nodeEntries(this.top);
  }

  #with(top: Node): StateTree {
    return top === this.top ? this : new StateTree(top, this.keyPath);
  }
}

/** The root of the state that has no entries. */
export const EMPTY_ROOT: StateRoot = StateTree.empty.root;

/** Throws `StateTreeError` (`incomparable`) if the two trees place their keys differently (tests only). */
export function assertComparable(a: StateTree, b: StateTree): void {
  if (a.keyPath !== b.keyPath) {
    throw new StateTreeError('incomparable', 'the trees place their keys by different functions');
  }
}
