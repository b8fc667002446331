import { hash } from 'node:crypto';
import { StateTreeError } from './errors.ts';
import type { NamedNode } from './new-nodes.ts';
import type { Leaf } from './node.ts';
import { decodeNode, type StoredBranch } from './node-decode.ts';
import type { StateRoot } from './root.ts';

/**
 * Where nodes are kept, by name. Many at a time, because a tree is read level by level: at 100,000 entries that
 * is six round trips, where one for each node would be 5,700.
 */
export interface NodeStore {
  /** The bytes of those nodes that the store has; names it hasn't are left out. */
  getMany(names: readonly StateRoot[]): Promise<ReadonlyMap<StateRoot, Uint8Array>>;
  /** Stores nodes; one that is there already is left as it is. */
  putMany(nodes: Iterable<NamedNode>): Promise<void>;
}

/**
 * The node that a store answered for `name`. Throws `StateTreeError`: `missing` if it answered nothing, `corrupt`
 * if the bytes are not those of the name.
 */
export function readNode(name: StateRoot, bytes: Uint8Array | undefined): Leaf | StoredBranch {
  if (bytes === undefined) throw new StateTreeError('missing', `no node ${name} in the store`);
  if (hash('sha256', bytes, 'hex') !== name) {
    throw new StateTreeError('corrupt', `the bytes of node ${name} are not its own`);
  }
  return decodeNode(bytes);
}
