import { StateTreeError } from './errors.ts';
import { depthLimit } from './key-path.ts';
import { branchOf, isInline, type Leaf, leafOf, type Node, nodeSize } from './node.ts';
import type { StoredBranch } from './node-decode.ts';
import { nodeRoot } from './node-encode.ts';
import { type NodeStore, readNode } from './node-store.ts';
import { hashOfRoot, type StateRoot } from './root.ts';
import { EMPTY_ROOT, StateTree } from './state-tree.ts';

/** A place in the tree to be loaded, and what stands there in the tree that it may share with. */
interface Wanted {
  readonly name: StateRoot;
  readonly twin: Node | undefined;
}

/** Nodes by name: shared ones are whole, those that were read have children by name. */
type Found = Map<StateRoot, Node | StoredBranch>;

/**
 * The state with this root. Nodes that `shared` has at the same place are taken from there and not read, so a
 * state near to one in memory costs a few reads. Throws `StateTreeError`: `missing` if the store lacks a node,
 * `corrupt` if a node's bytes are not its own or it can't stand where it stands. Whether every key is where its
 * hash belongs is not checked: a root comes from a record, and no owner records another form.
 */
export async function loadTree(
  store: NodeStore,
  root: StateRoot,
  shared: StateTree = StateTree.empty,
): Promise<StateTree> {
  if (root === EMPTY_ROOT) return new StateTree(leafOf([]), shared.keyPath);
  const found: Found = new Map();
  let level: Wanted[] = [{ name: root, twin: shared.top }];
  while (level.length > 0) level = await readLevel(store, level, found);
  const limit = depthLimit(shared.keyPath('', ''));
  return new StateTree(assemble(root, found, 0, limit), shared.keyPath);
}

/** Puts these nodes into `found`, reading those that can't be shared, and says which nodes they name. */
async function readLevel(store: NodeStore, level: readonly Wanted[], found: Found): Promise<Wanted[]> {
  const toRead: Wanted[] = [];
  for (const wanted of level) {
    if (wanted.twin !== undefined && nodeRoot(wanted.twin) === wanted.name) {
      found.set(wanted.name, wanted.twin);
    } else {
      toRead.push(wanted);
    }
  }
  if (toRead.length === 0) return [];
  const stored = await store.getMany(toRead.map(({ name }) => name));
  return toRead.flatMap(({ name, twin }) => {
    const node = readNode(name, stored.get(name));
    found.set(name, node);
    return node.kind === 'leaf' ? [] : namedChildren(node, twin);
  });
}

function namedChildren(node: StoredBranch, twin: Node | undefined): Wanted[] {
  const wanted: Wanted[] = [];
  for (const [slot, child] of node.children.entries()) {
    if (typeof child !== 'string') continue;
    wanted.push({ name: child, twin: twin?.kind === 'branch' ? twin.children[slot] : undefined });
  }
  return wanted;
}

/** Puts together what was found, from the leaves up. */
function assemble(name: StateRoot, found: Found, depth: number, limit: number): Node {
  const node = found.get(name);
  if (node === undefined) throw new StateTreeError('missing', `node ${name} was not read`);
  if (node.kind === 'branch') return node;
  if (node.kind === 'leaf') return namedLeaf(node, name, depth, limit);
  const children = node.children.map((child) =>
    typeof child === 'string' ? assemble(child, found, depth + 1, limit) : child,
  );
  const size = children.reduce((sum, child) => sum + (child === undefined ? 0 : nodeSize(child)), 0);
  if (size !== node.size || depth >= limit) throw misplaced(name);
  const branch = branchOf(children, size);
  branch.hash = hashOfRoot(name);
  return branch;
}

/** A leaf has a name of its own only as the topmost node, or where paths are used up. */
function namedLeaf(leaf: Leaf, name: StateRoot, depth: number, limit: number): Leaf {
  if (depth !== (isInline(leaf) ? 0 : limit)) throw misplaced(name);
  leaf.hash = hashOfRoot(name);
  return leaf;
}

function misplaced(name: StateRoot): StateTreeError {
  return new StateTreeError('corrupt', `node ${name} can't stand where it stands`);
}
