import { randomBytes } from 'node:crypto';
import type { Sealed } from '../codec.ts';
import type { TopicName } from '../topics.ts';
import { type KeyNode, LeafKeys, leavesPerBlock } from './key-tree.ts';
import { closeBox } from './seal.ts';

/** The key of the `content_keys` record that holds a block's keys. */
export function blockKey(topic: TopicName, partition: number, block: string): string {
  return `${topic}/${partition}/${block}`;
}

/** A block that is being filled: it gives every content the next leaf. */
export class Block {
  /** The block's name: 12 random characters. */
  readonly name: string = randomBytes(9).toString('base64url');
  /** The only node that has to be stored while nothing of the block is erased. */
  readonly root: KeyNode = { depth: 0, index: 0, key: randomBytes(32) };
  readonly #keys = new LeafKeys([this.root]);
  #next = 0;

  /** Leaves not used yet. */
  get left(): number {
    return leavesPerBlock - this.#next;
  }

  /**
   * Seals a text with the next leaf.
   * @param recordKey the key of the record that will hold it; it opens with the same one only.
   */
  seal(recordKey: string, text: string): Sealed {
    const leaf = this.#next;
    const key = this.#keys.get(leaf);
    if (this.left === 0 || key === undefined) throw new RangeError('the block is full');
    this.#next = leaf + 1;
    return { block: this.name, leaf, ...closeBox(key, recordKey, Buffer.from(text, 'utf8')) };
  }
}
