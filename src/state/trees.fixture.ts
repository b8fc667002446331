import { hash } from 'node:crypto';
import fc from 'fast-check';
import type { EventId } from '../matrix/identifiers.ts';
import type { StateEntry } from './entry.ts';
import { type KeyPath, sha256KeyPath } from './key-path.ts';
import type { NamedNode } from './new-nodes.ts';
import { leafOf } from './node.ts';
import type { NodeStore } from './node-store.ts';
import type { StateRoot } from './root.ts';
import { StateTree } from './state-tree.ts';

/** An event ID of the usual shape, different for each number. */
export function eventId(n: number): EventId {
  return `$${hash('sha256', String(n), 'base64url')}` as EventId;
}

/** The memberships of a room of `count`. */
export function members(count: number): StateEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'm.room.member',
    stateKey: `@user${i}:example.org`,
    eventId: eventId(i),
  }));
}

/** Ways to place keys: the real one, and ever weaker ones, under which keys collide in part or altogether. */
export const KEY_PATHS: Readonly<Record<string, KeyPath>> = {
  'SHA-256': sha256KeyPath,
  'two bytes of which the first is constant': (type, key) => `a${sha256KeyPath(type, key).slice(0, 1)}`,
  'two bits in three bytes': (type, key) =>
    `bc${String.fromCharCode(sha256KeyPath(type, key).charCodeAt(0) & 3)}`,
  'a constant': () => 'xyz',
};

/** The empty state whose keys will be placed so. */
export function emptyWith(keyPath: KeyPath): StateTree {
  return new StateTree(leafOf([]), keyPath);
}

/** Few types and keys, so that sequences meet the same keys often; with awkward text among them. */
export const keyArb: fc.Arbitrary<readonly [string, string]> = fc.tuple(
  fc.constantFrom('m.room.member', 'm.room.name', 'a', 'ab', 'ÿ', '\u{1f600}', '\ufeff', '__proto__'),
  fc.oneof(
    fc.constantFrom('', 'b', 'm', '\uffff', '\u{10000}', '\0', '__proto__'),
    fc.integer({ min: 0, max: 12 }).map((n) => `@u${n}:x`),
  ),
);

/** Event IDs of which some are equal. */
export const eventIdArb: fc.Arbitrary<EventId> = fc.integer({ min: 0, max: 5 }).map(eventId);

/** A state: entries of distinct keys, in no order. */
export const stateArb: fc.Arbitrary<StateEntry[]> = fc
  .uniqueArray(fc.tuple(keyArb, eventIdArb), { maxLength: 60, selector: ([key]) => JSON.stringify(key) })
  .map((items) => items.map(([[type, stateKey], id]) => ({ type, stateKey, eventId: id })));

/** Nodes in a map, counting what was asked for. */
export class MemoryNodeStore implements NodeStore {
  readonly nodes = new Map<StateRoot, Uint8Array>();
  /** How many nodes were read so far, and in how many calls. */
  reads = 0;
  calls = 0;

  async getMany(names: readonly StateRoot[]): Promise<ReadonlyMap<StateRoot, Uint8Array>> {
    this.calls++;
    this.reads += names.length;
    const found = new Map<StateRoot, Uint8Array>();
    for (const name of names) {
      const bytes = this.nodes.get(name);
      if (bytes !== undefined) found.set(name, bytes);
    }
    return found;
  }

  async putMany(nodes: Iterable<NamedNode>): Promise<void> {
    for (const { name, bytes } of nodes) this.nodes.set(name, bytes);
  }
}
