import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { StateEntry } from './entry.ts';
import { StateTreeError } from './errors.ts';
import { newNodes } from './new-nodes.ts';
import { decodeNode, type StoredBranch } from './node-decode.ts';
import { encodeNode, nodeRoot } from './node-encode.ts';
import { StateTree } from './state-tree.ts';
import { emptyWith, eventId, KEY_PATHS, members, stateArb } from './trees.fixture.ts';

/** One entry as it stands in a node. */
function leafBody({ type, stateKey, eventId: id }: StateEntry): Uint8Array {
  return encodeNode(StateTree.empty.set(type, stateKey, id).top).subarray(5);
}

const corrupt = (e: unknown) => e instanceof StateTreeError && e.fault === 'corrupt';

describe('encodeNode and decodeNode', () => {
  for (const [name, keyPath] of Object.entries(KEY_PATHS)) {
    it(`write and read every node of a tree, under its SHA-256 (keys placed by ${name})`, () => {
      fc.assert(
        fc.property(stateArb, (state) => {
          const tree = StateTree.fromEntries(state, keyPath);
          for (const { name: named, bytes } of newNodes(tree, emptyWith(keyPath))) {
            assert.equal(hash('sha256', bytes, 'hex'), named);
            const node = decodeNode(bytes);
            // What was read says all that was written: a leaf encodes to the same bytes, a branch names what it did.
            if (node.kind === 'leaf') assert.deepEqual(encodeNode(node), bytes);
            else assert.equal(node.children.length, 16);
          }
        }),
        { numRuns: 100 },
      );
    });
  }

  it('read of a branch its size, the names of large children, and the entries of small ones', () => {
    const tree = StateTree.fromEntries(members(60));
    const { top } = tree;
    assert.ok(top.kind === 'branch');
    const node = decodeNode(encodeNode(top));
    assert.ok(node.kind === 'stored-branch');
    assert.equal(node.size, 60);
    let named = 0;
    for (const [slot, child] of top.children.entries()) {
      const read: StoredBranch['children'][number] = node.children[slot];
      if (child?.kind === 'branch') {
        assert.equal(read, nodeRoot(child));
        named++;
      } else {
        assert.ok(typeof read !== 'string');
        assert.deepEqual(read?.entries, child?.entries);
      }
    }
    assert.ok(named > 0 && named < 16, 'the example has both');
  });

  it('refuse bytes that were cut, lengthened or tagged as something else', () => {
    const trees = [StateTree.fromEntries(members(3)), StateTree.fromEntries(members(60))];
    for (const { top } of [...trees, StateTree.fromEntries(members(9), () => 'x')]) {
      const bytes = encodeNode(top);
      for (let end = 0; end < bytes.length; end++)
        assert.throws(() => decodeNode(bytes.subarray(0, end)), corrupt);
      assert.throws(() => decodeNode(Buffer.concat([bytes, Buffer.alloc(1)])), corrupt);
      for (let tag = 0; tag < 256; tag++) {
        const other = Buffer.from(bytes);
        other[0] = tag;
        if (tag !== bytes[0]) assert.throws(() => decodeNode(other), corrupt);
      }
    }
  });

  it('refuse entries out of order or twice, and text that is not UTF-8', () => {
    const [a, b] = members(2);
    assert.ok(a !== undefined && b !== undefined);
    const leaf = (...entries: (typeof a)[]) => encodeNode({ kind: 'leaf', entries, hash: undefined });
    assert.deepEqual(decodeNode(leaf(a, b)), { kind: 'leaf', entries: [a, b], hash: undefined });
    assert.throws(() => decodeNode(leaf(b, a)), corrupt);
    assert.throws(() => decodeNode(leaf(a, a)), corrupt);
    const bytes = leaf(a);
    bytes[7] = 0xff; // the first byte of the type
    assert.throws(() => decodeNode(bytes), corrupt);
  });

  it('refuse a branch with a slot twice, a small child without entries, or one with too many', () => {
    const branch = (named: number, inline: number, ...parts: Uint8Array[]) => {
      const header = Buffer.from([0x12, 0, 0, 0, 6, 0, named, 0, inline]);
      return Buffer.concat([header, ...parts]);
    };
    const name = Buffer.alloc(32, 7);
    // The entries of a small child are its count in one byte and what a leaf has after its header.
    const child = (count: number) =>
      Buffer.concat([
        Buffer.from([count]),
        encodeNode(StateTree.fromEntries(members(count), () => 'x').top).subarray(5),
      ]);
    assert.equal(decodeNode(branch(0b01, 0b10, name, child(4))).kind, 'stored-branch');
    assert.throws(() => decodeNode(branch(0b01, 0b01, name, child(4))), corrupt);
    assert.throws(() => decodeNode(branch(0b01, 0b10, name, child(0))), corrupt);
    const five = Buffer.concat([Buffer.from([5]), ...members(5).map((e) => leafBody(e))]);
    assert.throws(() => decodeNode(branch(0b01, 0b10, name, five)), corrupt);
  });

  it('take a flipped bit for another node or for none, never for the same', () => {
    const { top } = StateTree.empty.set('m.room.name', '', eventId(1)).set('m.room.topic', '', eventId(2));
    const bytes = encodeNode(top);
    const outcomes = { other: 0, none: 0 };
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const other = Buffer.from(bytes);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        const node = decodeNode(other);
        assert.ok(node.kind === 'leaf');
        assert.deepEqual(Buffer.from(encodeNode(node)), other);
        outcomes.other++;
      } catch (error) {
        assert.ok(corrupt(error), String(error));
        outcomes.none++;
      }
    }
    // The text of an entry is free, its frame is not: both outcomes were met.
    assert.ok(outcomes.other > 0 && outcomes.none > 0);
  });
});
