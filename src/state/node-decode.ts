import { isUtf8 } from 'node:buffer';
import type { EventId } from '../matrix/identifiers.ts';
import { compareEntries, type StateEntry, stateEntry } from './entry.ts';
import { StateTreeError } from './errors.ts';
import { FANOUT } from './key-path.ts';
import { LEAF_MAX, type Leaf, leafOf } from './node.ts';
import { BRANCH_TAG, COLLISION_TAG, LEAF_TAG, NAME_BYTES } from './node-format.ts';
import { rootFromBytes, type StateRoot } from './root.ts';

/** A branch as it is stored: large children by name, small ones inline. */
export interface StoredBranch {
  readonly kind: 'stored-branch';
  /** Entries beneath. */
  readonly size: number;
  /** `FANOUT` slots. */
  readonly children: readonly (StateRoot | Leaf | undefined)[];
}

/**
 * The node of these bytes. Throws `StateTreeError` (`corrupt`) for anything that `encodeNode` doesn't write
 * (tags, order, text, bytes left over). Whether they are the bytes that a name stands for, and whether keys are
 * where their hashes belong, is not looked at here.
 */
export function decodeNode(bytes: Uint8Array): Leaf | StoredBranch {
  const reader = new Reader(bytes);
  const node = decodeTagged(reader);
  reader.end();
  return node;
}

function decodeTagged(reader: Reader): Leaf | StoredBranch {
  const tag = reader.u8();
  if (tag === BRANCH_TAG) return decodeBranch(reader);
  if (tag !== LEAF_TAG && tag !== COLLISION_TAG) throw corrupt('unknown tag');
  const count = reader.u32();
  if (count > LEAF_MAX !== (tag === COLLISION_TAG)) throw corrupt('count and tag disagree');
  return decodeEntries(reader, count);
}

function decodeBranch(reader: Reader): StoredBranch {
  const size = reader.u32();
  const named = reader.u16();
  const inline = reader.u16();
  if (size <= LEAF_MAX || (named & inline) !== 0) throw corrupt('header of a branch');
  const children: (StateRoot | Leaf | undefined)[] = new Array(FANOUT).fill(undefined);
  for (let slot = 0; slot < FANOUT; slot++) {
    if ((named & (1 << slot)) !== 0) children[slot] = reader.name();
  }
  for (let slot = 0; slot < FANOUT; slot++) {
    if ((inline & (1 << slot)) === 0) continue;
    const count = reader.u8();
    if (count === 0 || count > LEAF_MAX) throw corrupt('number of entries inside a branch');
    children[slot] = decodeEntries(reader, count);
  }
  return { kind: 'stored-branch', size, children };
}

function decodeEntries(reader: Reader, count: number): Leaf {
  const entries: StateEntry[] = [];
  let before: StateEntry | undefined;
  for (let i = 0; i < count; i++) {
    // What stands third in an entry was an EventId when it was encoded.
    const entry = stateEntry(reader.text(), reader.text(), reader.text() as EventId);
    if (before !== undefined && compareEntries(before, entry) >= 0) throw corrupt('entries out of order');
    entries.push(entry);
    before = entry;
  }
  return leafOf(entries);
}

/** Reads from the front; every read checks that the bytes are there. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  name(): StateRoot {
    const start = this.#take(NAME_BYTES);
    return rootFromBytes(this.#bytes.subarray(start, start + NAME_BYTES));
  }

  text(): string {
    const length = this.u16();
    const start = this.#take(length);
    if (!isUtf8(this.#bytes.subarray(start, start + length))) throw corrupt('text that is not UTF-8');
    return this.#bytes.toString('utf8', start, start + length);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw corrupt('bytes left over');
  }

  /** Moves on by `length` bytes and says where they start. */
  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw corrupt('too short');
    this.#at = start + length;
    return start;
  }
}

function corrupt(what: string): StateTreeError {
  return new StateTreeError('corrupt', `not a node of a state tree: ${what}`);
}
