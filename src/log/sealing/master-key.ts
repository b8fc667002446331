import { hash } from 'node:crypto';
import { MilenaError } from '../../errors/milena-error.ts';
import type { Records } from '../records.ts';
import type { KeyNode } from './key-tree.ts';
import { closeBox, openBox } from './seal.ts';

/** The value of a `content_key` record. */
export type ContentKeyRecord = Records['content_key'];

/** The key that wraps all keys of blocks. It is kept outside the log; without it no content can be read. */
export interface MasterKey {
  /** Names the key in records: the first 16 hex digits of its SHA-256. */
  readonly id: string;
  /**
   * Wraps the nodes that are left of a block.
   * @param recordKey the key of the record that will hold them; they can't be unwrapped under another.
   */
  wrap(recordKey: string, nodes: readonly KeyNode[]): ContentKeyRecord;
  /**
   * Unwraps a record's nodes.
   * @throws MilenaError BAD_RECORD when another master key wrapped them, or they were altered.
   */
  unwrap(recordKey: string, record: ContentKeyRecord): readonly KeyNode[];
  /** Encrypts a short text that expires with its record, on topics whose records no owner seals. */
  closeText(recordKey: string, text: string): Uint8Array;
  /** Decrypts it. @throws MilenaError BAD_RECORD */
  openText(recordKey: string, closed: Uint8Array): string;
}

/** Makes a master key of 32 bytes. Where they come from is not this module's business. */
export function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== 32) throw new MilenaError('BAD_CONFIG', 'the master key must have 32 bytes');
  const key = Uint8Array.from(bytes);
  const id = hash('sha256', key, 'hex').slice(0, 16);
  return {
    id,
    wrap: (recordKey, nodes) => ({
      master: id,
      nodes: nodes.map((node) => {
        const { nonce, box } = closeBox(key, boundOf(recordKey, node), node.key);
        return { depth: node.depth, index: node.index, nonce, wrapped: box };
      }),
    }),
    closeText(recordKey, text) {
      const { nonce, box } = closeBox(key, textBound(recordKey), Buffer.from(text, 'utf8'));
      return Buffer.concat([nonce, box]);
    },
    openText(recordKey, closed) {
      const parts = { nonce: closed.subarray(0, NONCE_BYTES), box: closed.subarray(NONCE_BYTES) };
      return openBox(key, textBound(recordKey), parts).toString('utf8');
    },
    unwrap(recordKey, record) {
      if (record.master !== id) {
        throw new MilenaError('BAD_RECORD', 'the content keys were wrapped by another master key', {
          log: { master: record.master, present: id },
        });
      }
      return record.nodes.map((node) => ({
        depth: node.depth,
        index: node.index,
        key: openBox(key, boundOf(recordKey, node), { nonce: node.nonce, box: node.wrapped }),
      }));
    },
  };
}

const NONCE_BYTES = 12;

/** Never the bound of a node, which ends in two numbers. */
function textBound(recordKey: string): string {
  return `text ${recordKey}`;
}

function boundOf(recordKey: string, node: { readonly depth: number; readonly index: number }): string {
  return `${recordKey}/${node.depth}/${node.index}`;
}
