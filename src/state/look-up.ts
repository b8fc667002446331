import type { EventId } from '../matrix/identifiers.ts';
import { indexOfKey, isEncodable } from './entry.ts';
import { type KeyPath, sha256KeyPath, slotAt } from './key-path.ts';
import type { Leaf } from './node.ts';
import { type NodeStore, readNode } from './node-store.ts';
import type { StateRoot } from './root.ts';
import { EMPTY_ROOT } from './state-tree.ts';

/**
 * The event that holds for one key in the state with this root, reading only the nodes on its path: four or five
 * at 100,000 entries, one after the other. For more than a few keys `loadTree` is better. Throws
 * `StateTreeError`: `missing` if the store lacks a node, `corrupt` if a node's bytes are not its own.
 */
export async function lookUp(
  store: NodeStore,
  root: StateRoot,
  type: string,
  stateKey: string,
  keyPath: KeyPath = sha256KeyPath,
): Promise<EventId | undefined> {
  if (root === EMPTY_ROOT || !isEncodable(type) || !isEncodable(stateKey)) return undefined;
  const path = keyPath(type, stateKey);
  let place: StateRoot | Leaf | undefined = root;
  for (let depth = 0; typeof place === 'string'; depth++) {
    const stored: ReadonlyMap<StateRoot, Uint8Array> = await store.getMany([place]);
    const node = readNode(place, stored.get(place));
    place = node.kind === 'leaf' ? node : node.children[slotAt(path, depth)];
  }
  return place?.entries[indexOfKey(place.entries, type, stateKey)]?.eventId;
}
