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

const keyBytes = 32;

/**
 * What is hashed: a name that tells these hashes from all others, the side, then room for the parent's key.
 * The buffers are used again for every hash: with new ones, and a Buffer as the result, it takes twice as long.
 */
const inputs = [inputFor('left'), inputFor('right')] as const;

function inputFor(side: string): { readonly bytes: Buffer; readonly at: number } {
  const domain = Buffer.from(`milena/key-tree/${side}\0`);
  return { bytes: Buffer.concat([domain, Buffer.alloc(keyBytes)]), at: domain.length };
}

/** The key of a node's left (0) or right (1) child: SHA-256 of the domain, the side and the parent's key. */
export function childKey(parent: Uint8Array, side: 0 | 1): Buffer {
  const { bytes, at } = inputs[side];
  if (parent.length !== keyBytes) throw new RangeError('a key of the tree has 32 bytes');
  bytes.set(parent, at);
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}

/** Whether `node` is the leaf or above it. */
export function covers(node: NodePlace, leaf: number): boolean {
  return leaf >> (treeDepth - node.depth) === node.index;
}

/** The AES-256 key of a leaf, from whichever of the nodes covers it; undefined when it was erased. */
export function leafKey(nodes: readonly KeyNode[], leaf: number): Uint8Array | undefined {
  const node = nodes.find((candidate) => covers(candidate, leaf));
  if (node === undefined) return undefined;
  let key = node.key;
  for (let depth = node.depth; depth < treeDepth; depth++) {
    key = childKey(key, sideAt(leaf, depth));
  }
  return key;
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
 * the next costs two hashes on average instead of ten.
 */
export class LeafKeys {
  readonly #nodes: readonly KeyNode[];
  readonly #path: (Uint8Array | undefined)[] = [];
  /** The path's keys. Bytes of its own: 32 of Node's shared pool would keep 8 KB of it in memory for each. */
  readonly #bytes = new Uint8Array((treeDepth + 1) * keyBytes);
  #node: KeyNode | undefined;
  #leaf = 0;

  constructor(nodes: readonly KeyNode[]) {
    this.#nodes = nodes;
  }

  /** As `leafKey`. */
  get(leaf: number): Uint8Array | undefined {
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
      const at = (depth + 1) * keyBytes;
      const kept = this.#bytes.subarray(at, at + keyBytes);
      kept.set(childKey(key, sideAt(leaf, depth)));
      key = kept;
      this.#path[depth + 1] = kept;
    }
    this.#leaf = leaf;
    return key;
  }

  #shared(leaf: number, depth: number): boolean {
    return leaf >> (treeDepth - depth) === this.#leaf >> (treeDepth - depth);
  }
}
