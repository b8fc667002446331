import { hash } from 'node:crypto';

/**
 * The binary key tree of a block: 1,024 leaves under one root. A child's key is a hash of its parent's, so
 * the root opens everything, and the siblings along the path to a leaf open everything but that leaf.
 */
export const treeDepth = 10;

/** Leaves of one block. */
export const leavesPerBlock = 1 << treeDepth;

/** A node's place in the tree: depth 0 is the root, `index` counts from the left. */
export interface NodePlace {
  readonly depth: number;
  readonly index: number;
}

/** A node of the tree with its 32-byte key. */
export interface KeyNode extends NodePlace {
  readonly key: Uint8Array;
}

/** Every hash begins with a name of its own, so that no key of one use is ever a key of another. */
const sides = [Buffer.from('milena/key-tree/left\0'), Buffer.from('milena/key-tree/right\0')] as const;
const contentDomain = Buffer.from('milena/key-tree/content\0');

/** The key of a node's left (0) or right (1) child. */
export function childKey(parent: Uint8Array, side: 0 | 1): Buffer {
  return hash('sha256', Buffer.concat([sides[side], parent]), 'buffer');
}

/** The AES-256 key that seals a leaf's record, from the leaf's node key. */
export function contentKey(leafNodeKey: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([contentDomain, leafNodeKey]), 'buffer');
}

/** Whether `node` is the leaf or above it. */
export function covers(node: NodePlace, leaf: number): boolean {
  return leaf >> (treeDepth - node.depth) === node.index;
}

/** The content key of a leaf, from whichever of the nodes covers it; undefined when it was erased. */
export function leafKey(nodes: readonly KeyNode[], leaf: number): Buffer | undefined {
  const node = nodes.find((candidate) => covers(candidate, leaf));
  if (node === undefined) return undefined;
  let key = node.key;
  for (let depth = node.depth; depth < treeDepth; depth++) {
    key = childKey(key, sideAt(leaf, depth));
  }
  return contentKey(key);
}

/**
 * The fewest nodes that cover what `nodes` cover, less the erased leaves: at most ten more for each leaf.
 * Nodes that cover nothing erased come back as they are.
 */
export function coverWithout(nodes: readonly KeyNode[], erased: ReadonlySet<number>): readonly KeyNode[] {
  return nodes.flatMap((node) =>
    split(
      node,
      [...erased].filter((leaf) => covers(node, leaf)),
    ),
  );
}

function split(node: KeyNode, erased: readonly number[]): readonly KeyNode[] {
  if (erased.length === 0) return [node];
  if (node.depth === treeDepth) return [];
  return ([0, 1] as const).flatMap((side) => {
    const child = { depth: node.depth + 1, index: node.index * 2 + side };
    const inside = erased.filter((leaf) => covers(child, leaf));
    return split({ ...child, key: childKey(node.key, side) }, inside);
  });
}

/** Which child of the node at `depth` leads to the leaf. */
function sideAt(leaf: number, depth: number): 0 | 1 {
  return ((leaf >> (treeDepth - depth - 1)) & 1) as 0 | 1;
}

/**
 * Leaf keys of one block, quick where leaves are asked for in order: it keeps the path to the last one, so
 * the next costs three hashes on average instead of eleven.
 */
export class LeafKeys {
  readonly #nodes: readonly KeyNode[];
  readonly #path: (Uint8Array | undefined)[] = [];
  #node: KeyNode | undefined;
  #leaf = 0;

  constructor(nodes: readonly KeyNode[]) {
    this.#nodes = nodes;
  }

  /** As `leafKey`. */
  get(leaf: number): Buffer | undefined {
    let node = this.#node;
    if (node === undefined || !covers(node, leaf)) {
      node = this.#nodes.find((candidate) => covers(candidate, leaf));
      if (node === undefined) return undefined;
      this.#node = node;
      this.#path.length = 0;
      this.#path[node.depth] = node.key;
    }
    // The path is kept down to where the way to this leaf parts from the way to the last.
    let depth = node.depth;
    while (depth < treeDepth && this.#path[depth + 1] !== undefined && this.#shared(leaf, depth + 1)) depth++;
    let key = this.#path[depth] ?? node.key;
    for (; depth < treeDepth; depth++) {
      key = childKey(key, sideAt(leaf, depth));
      this.#path[depth + 1] = key;
    }
    this.#leaf = leaf;
    return contentKey(key);
  }

  #shared(leaf: number, depth: number): boolean {
    return leaf >> (treeDepth - depth) === this.#leaf >> (treeDepth - depth);
  }
}
