import { hash } from 'node:crypto';
import type { StateEntry } from './entry.ts';
import { FANOUT } from './key-path.ts';
import { type Branch, isInline, LEAF_MAX, type Leaf, type Node } from './node.ts';
import {
  BRANCH_HEADER,
  BRANCH_TAG,
  COLLISION_TAG,
  LEAF_HEADER,
  LEAF_TAG,
  NAME_BYTES,
} from './node-format.ts';
import { type NodeHash, rootOfHash, type StateRoot } from './root.ts';

/** Where nodes are written before they are hashed or copied; grows to the largest. Nothing awaits meanwhile. */
let scratch = Buffer.allocUnsafe(16_384);

/** SHA-256 of the node's encoding; computed once a node, so that a batch of changes hashes each node once. */
export function nodeHash(node: Node): NodeHash {
  // A digest in 'latin1' is 32 characters of one byte each: what a NodeHash is.
  node.hash ??= hash('sha256', encodeToScratch(node), 'binary') as NodeHash;
  return node.hash;
}

/** The node's name, which is a state's root when the node is the topmost. */
export function nodeRoot(node: Node): StateRoot {
  return rootOfHash(nodeHash(node));
}

/** The bytes of a node, to be stored under its name. Hashes what is beneath it if need be. */
export function encodeNode(node: Node): Uint8Array {
  return Uint8Array.from(encodeToScratch(node));
}

function encodeToScratch(node: Node): Buffer {
  return node.kind === 'leaf' ? encodeLeaf(node) : encodeBranch(node);
}

function encodeLeaf({ entries }: Leaf): Buffer {
  reserve(LEAF_HEADER + boundOf(entries));
  scratch[0] = entries.length > LEAF_MAX ? COLLISION_TAG : LEAF_TAG;
  scratch.writeUInt32BE(entries.length, 1);
  return scratch.subarray(0, writeEntries(entries, LEAF_HEADER));
}

function encodeBranch(branch: Branch): Buffer {
  let named = 0;
  let inline = 0;
  let bound = BRANCH_HEADER + FANOUT * NAME_BYTES;
  const names: string[] = [];
  const leaves: Leaf[] = [];
  for (let slot = 0; slot < FANOUT; slot++) {
    const child = branch.children[slot];
    if (child === undefined) continue;
    if (isInline(child)) {
      inline |= 1 << slot;
      bound += 1 + boundOf(child.entries);
      leaves.push(child);
    } else {
      named |= 1 << slot;
      // Hashing a child uses the scratch buffer, so it comes before anything of this node is written there.
      names.push(nodeHash(child));
    }
  }
  reserve(bound);
  scratch[0] = BRANCH_TAG;
  scratch.writeUInt32BE(branch.size, 1);
  scratch.writeUInt16BE(named, 5);
  scratch.writeUInt16BE(inline, 7);
  // One write of all the names: 0.26 µs for 16, where one for each takes 0.43.
  let at = BRANCH_HEADER + scratch.write(names.join(''), BRANCH_HEADER, 'binary');
  for (const { entries } of leaves) {
    scratch[at] = entries.length;
    at = writeEntries(entries, at + 1);
  }
  return scratch.subarray(0, at);
}

function writeEntries(entries: readonly StateEntry[], start: number): number {
  let at = start;
  for (const { type, stateKey, eventId } of entries) {
    at = writeText(type, at);
    at = writeText(stateKey, at);
    at = writeText(eventId, at);
  }
  return at;
}

function writeText(text: string, at: number): number {
  const bytes = scratch.write(text, at + 2, 'utf8');
  scratch.writeUInt16BE(bytes, at);
  return at + 2 + bytes;
}

/** No less than the bytes of these entries: a UTF-16 unit is at most three bytes of UTF-8. */
function boundOf(entries: readonly StateEntry[]): number {
  let bound = 0;
  for (const { type, stateKey, eventId } of entries) {
    bound += 6 + (type.length + stateKey.length + eventId.length) * 3;
  }
  return bound;
}

function reserve(bytes: number): void {
  if (bytes > scratch.length) scratch = Buffer.allocUnsafe(bytes * 2);
}
