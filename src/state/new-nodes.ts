import { isInline, type Node } from './node.ts';
import { encodeNode, nodeHash, nodeRoot } from './node-encode.ts';
import type { StateRoot } from './root.ts';
import { assertComparable, StateTree } from './state-tree.ts';

/** A node as it is stored. */
export interface NamedNode {
  /** SHA-256 of `bytes`. The topmost node's name is the state's root. */
  readonly name: StateRoot;
  /** See node-format.ts. */
  readonly bytes: Uint8Array;
}

/**
 * The nodes of `tree` that `since` hasn't: what must be stored, where those of `since` are stored already, so
 * that `tree` can be loaded. Parents come before their children. The empty state is never stored.
 */
export function* newNodes(
  tree: StateTree,
  since: StateTree = StateTree.empty,
): Generator<NamedNode, void, undefined> {
  assertComparable(tree, since);
  if (tree.size === 0) return;
  const stack: { readonly node: Node; readonly twin: Node | undefined }[] = [
    { node: tree.top, twin: since.top },
  ];
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    const { node, twin } = pair;
    if (node === twin || (twin !== undefined && nodeHash(node) === nodeHash(twin))) continue;
    yield { name: nodeRoot(node), bytes: encodeNode(node) };
    if (node.kind === 'leaf') continue;
    for (const [slot, child] of node.children.entries()) {
      if (child === undefined || isInline(child)) continue;
      stack.push({ node: child, twin: twin?.kind === 'branch' ? twin.children[slot] : undefined });
    }
  }
}
