import { compareEntries, indexOfKey, type StateEntry } from './entry.ts';
import { depthLimit, type KeyPath, slotAt } from './key-path.ts';
import {
  type Branch,
  branchOf,
  buildNode,
  LEAF_MAX,
  type Leaf,
  leafOf,
  type Node,
  nodeEntries,
  nodeSize,
} from './node.ts';

/** Where an entry belongs: its key's path, the depth reached so far, and how to place its neighbours in a split. */
interface Target {
  readonly entry: StateEntry;
  readonly path: string;
  readonly keyPath: KeyPath;
}

/** The node with `target.entry` put in or replaced; the same node when it holds that entry already. */
export function insert(node: Node, target: Target, depth: number): Node {
  if (node.kind === 'leaf') return insertInLeaf(node, target, depth);
  const slot = slotAt(target.path, depth);
  const child = node.children[slot];
  const changed = child === undefined ? leafOf([target.entry]) : insert(child, target, depth + 1);
  if (changed === child) return node;
  return withChild(node, slot, changed);
}

/** The node without the key; the same node when it isn't there. The result may be an empty leaf. */
export function remove(node: Node, type: string, stateKey: string, path: string, depth: number): Node {
  if (node.kind === 'leaf') {
    const index = indexOfKey(node.entries, type, stateKey);
    return index === -1 ? node : leafOf(node.entries.toSpliced(index, 1));
  }
  const slot = slotAt(path, depth);
  const child = node.children[slot];
  if (child === undefined) return node;
  const changed = remove(child, type, stateKey, path, depth + 1);
  if (changed === child) return node;
  const left = withChild(node, slot, nodeSize(changed) === 0 ? undefined : changed);
  // What fits into a leaf is a leaf, or the form would remember what was removed.
  return left.size > LEAF_MAX ? left : leafOf([...nodeEntries(left)].sort(compareEntries));
}

function insertInLeaf(leaf: Leaf, target: Target, depth: number): Node {
  const { entry, path, keyPath } = target;
  const index = indexOfKey(leaf.entries, entry.type, entry.stateKey);
  if (index !== -1) {
    return leaf.entries[index]?.eventId === entry.eventId ? leaf : leafOf(leaf.entries.with(index, entry));
  }
  if (leaf.entries.length < LEAF_MAX || depth === depthLimit(path)) {
    return leafOf(insertInOrder(leaf.entries, entry));
  }
  const placed = leaf.entries.map((e) => ({ entry: e, path: keyPath(e.type, e.stateKey) }));
  return buildNode([...placed, { entry, path }], depth);
}

function insertInOrder(entries: readonly StateEntry[], entry: StateEntry): StateEntry[] {
  const at = entries.findIndex((other) => compareEntries(other, entry) > 0);
  return entries.toSpliced(at === -1 ? entries.length : at, 0, entry);
}

function withChild(branch: Branch, slot: number, child: Node | undefined): Branch {
  const before = branch.children[slot];
  const grown = (child === undefined ? 0 : nodeSize(child)) - (before === undefined ? 0 : nodeSize(before));
  return branchOf(branch.children.with(slot, child), branch.size + grown);
}
