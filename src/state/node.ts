import { compareEntries, indexOfKey, type StateEntry } from './entry.ts';
import { depthLimit, FANOUT, type KeyPath, slotAt } from './key-path.ts';
import type { NodeHash } from './root.ts';

/**
 * The most entries that stand together in one leaf; with more they are spread under a branch. A leaf is stored
 * inside its parent, so this decides between more nodes and larger ones. 4 is the least with which a path longer
 * than six nodes is not to be expected among 100,000 entries (docs/adr/0003-state-tree.md). Fixed by the format.
 */
export const LEAF_MAX = 4;

/**
 * Up to `LEAF_MAX` entries whose paths agree so far, in the order of `compareEntries`. Where paths are used up
 * (keys of one hash) it holds however many there are: then it is a collision, with an encoding of its own.
 */
export interface Leaf {
  readonly kind: 'leaf';
  readonly entries: readonly StateEntry[];
  /** Memo of `nodeHash`; undefined until somebody asks. */
  hash: NodeHash | undefined;
}

/** More than `LEAF_MAX` entries, spread over up to `FANOUT` children by the next four bits of their paths. */
export interface Branch {
  readonly kind: 'branch';
  /** Entries beneath. */
  readonly size: number;
  /** `FANOUT` slots; no child is empty. */
  readonly children: readonly (Node | undefined)[];
  /** Memo of `nodeHash`; undefined until somebody asks. */
  hash: NodeHash | undefined;
}

/**
 * A node of the state tree. Which kind it is follows from how many entries are beneath it and from its depth,
 * never from how they came there: that makes the form canonical.
 */
export type Node = Leaf | Branch;

/** An entry with its key's path, while a tree is built. */
export interface PlacedEntry {
  readonly entry: StateEntry;
  readonly path: string;
}

/** Whether a node, unless it is the topmost, stands inside its parent and so has no name that anybody asks for. */
export function isInline(node: Node): node is Leaf {
  return node.kind === 'leaf' && node.entries.length <= LEAF_MAX;
}

/** How many entries are beneath a node. */
export function nodeSize(node: Node): number {
  return node.kind === 'leaf' ? node.entries.length : node.size;
}

/** A leaf of entries that are in order already. */
export function leafOf(entries: readonly StateEntry[]): Leaf {
  return { kind: 'leaf', entries, hash: undefined };
}

/** A branch of these children, `FANOUT` slots, with `size` entries beneath them. */
export function branchOf(children: readonly (Node | undefined)[], size: number): Branch {
  return { kind: 'branch', size, children, hash: undefined };
}

/** The one node that holds these entries (of distinct keys, in any order) at `depth`, whatever their number. */
export function buildNode(placed: readonly PlacedEntry[], depth: number): Node {
  const first = placed[0];
  if (first === undefined || placed.length <= LEAF_MAX || depth === depthLimit(first.path)) {
    return leafOf(placed.map(({ entry }) => entry).sort(compareEntries));
  }
  const groups: PlacedEntry[][] = Array.from({ length: FANOUT }, () => []);
  for (const item of placed) groups[slotAt(item.path, depth)]?.push(item);
  const children = groups.map((group) => (group.length === 0 ? undefined : buildNode(group, depth + 1)));
  return branchOf(children, placed.length);
}

/** The entry of a key beneath a node that stands at `depth`. */
export function findEntry(
  node: Node,
  type: string,
  stateKey: string,
  keyPath: KeyPath,
  depth = 0,
  visits?: Visits,
): StateEntry | undefined {
  let at: Node | undefined = node;
  if (at.kind === 'branch') {
    const path = keyPath(type, stateKey);
    let level = depth;
    for (; at?.kind === 'branch'; level++) at = at.children[slotAt(path, level)];
    if (visits !== undefined) visits.branches += level - depth;
  }
  return at?.entries[indexOfKey(at.entries, type, stateKey)];
}

/** Counts branches that were opened, which is what a walk costs. */
export interface Visits {
  branches: number;
}

/** Every entry beneath a node, in the order of the tree: the same for the same state. */
export function* nodeEntries(node: Node, visits?: Visits): Generator<StateEntry, void, undefined> {
  const stack: Node[] = [node];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.kind === 'leaf') {
      yield* top.entries;
      continue;
    }
    if (visits !== undefined) visits.branches++;
    for (let slot = FANOUT - 1; slot >= 0; slot--) {
      const child = top.children[slot];
      if (child !== undefined) stack.push(child);
    }
  }
}
