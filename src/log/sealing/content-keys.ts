import { LRUCache } from 'lru-cache';
import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { Codec, Sealed } from '../codec.ts';
import type { EventLog, LogBatch, Offset, ReadPosition } from '../port.ts';
import type { TopicName } from '../topics.ts';
import { blockKey } from './block.ts';
import { type KeyNode, LeafKeys } from './key-tree.ts';
import type { ContentKeyRecord, MasterKey } from './master-key.ts';
import { openBox } from './seal.ts';

/** Blocks whose unwrapped keys are kept: a reader of all partitions of all topics meets no more at a time. */
const openBlocks = 4_096;

/** The last record of a block: none of its keys is left after a tombstone; an error where it can't be read. */
interface Known {
  readonly offset: Offset;
  readonly record: ContentKeyRecord | null | MilenaError;
}

/**
 * The content keys of a log, as one process knows them: opens sealed content. Wrapped keys are held for all
 * blocks met (about 200 bytes a block of 1,024 records), unwrapped ones for the blocks in use.
 */
export class ContentKeys {
  readonly #log: EventLog;
  readonly #codec: Codec;
  readonly #master: MasterKey;
  readonly #known = new Map<string, Known>();
  readonly #open = new LRUCache<string, LeafKeys>({ max: openBlocks });
  readonly #positions = new Map<number, ReadPosition>();
  readonly #refreshing = new Map<number, Promise<void>>();

  constructor(log: EventLog, codec: Codec, master: MasterKey) {
    this.#log = log;
    this.#codec = codec;
    this.#master = master;
  }

  /**
   * Opens sealed content without waiting.
   * @param key the key of the record that holds it.
   * @returns the text; null when it was erased; undefined when the block is not known yet (`open` then reads).
   * @throws MilenaError BAD_RECORD when it was altered, or wrapped by another master key.
   */
  tryOpen(topic: TopicName, partition: number, key: string, sealed: Sealed): string | null | undefined {
    const block = blockKey(topic, partition, sealed.block);
    const leaves = this.#leavesOf(block);
    if (leaves === undefined) return undefined;
    const leaf = leaves.get(sealed.leaf);
    return leaf === undefined ? null : openBox(leaf, key, sealed).toString('utf8');
  }

  /**
   * Opens sealed content. A block that is not known is looked for to the present end of `content_keys`: a
   * block's key stands there before the first record that uses it, so what is not there was erased.
   * @returns the text, or null when it was erased.
   * @throws MilenaError as `tryOpen`, and LOG_UNAVAILABLE.
   */
  async open(topic: TopicName, partition: number, key: string, sealed: Sealed): Promise<string | null> {
    const known = this.tryOpen(topic, partition, key, sealed);
    if (known !== undefined) return known;
    await this.refresh(partition);
    return this.tryOpen(topic, partition, key, sealed) ?? null;
  }

  /** Reads what is new on a partition of `content_keys`, to its present end: erasures become known. */
  async refresh(partition: number): Promise<void> {
    // A read that is under way may have taken its end before our block's key was appended: wait, then read.
    await this.#refreshing.get(partition)?.catch(() => undefined);
    const joined = this.#refreshing.get(partition);
    if (joined !== undefined) return joined;
    const reading = this.#readToEnd(partition).finally(() => this.#refreshing.delete(partition));
    this.#refreshing.set(partition, reading);
    return reading;
  }

  /** Follows all partitions until the signal aborts, so that erasures made elsewhere act here at once. */
  async follow(signal: AbortSignal): Promise<void> {
    const partitions = Array.from({ length: this.#log.slots }, (_, partition) => partition);
    await Promise.all(partitions.map((partition) => this.#follow(partition, signal)));
  }

  /**
   * The keys that are left of a block, for erasure; call `refresh` before.
   * @returns undefined when the log has no such block.
   */
  nodesOf(recordKey: string): readonly KeyNode[] | undefined {
    const known = this.#known.get(recordKey);
    return known === undefined ? undefined : this.#unwrap(recordKey, known);
  }

  /** Takes in what stands on the log under a block's key, read or just appended by this process. */
  learn(recordKey: string, record: ContentKeyRecord | null | MilenaError, offset: Offset): void {
    // A reader behind may meet an older record of a block after its erasure was learned here.
    if ((this.#known.get(recordKey)?.offset ?? -1) > offset) return;
    this.#known.set(recordKey, { record, offset });
    this.#open.delete(recordKey);
  }

  #leavesOf(block: string): LeafKeys | undefined {
    const open = this.#open.get(block);
    if (open !== undefined) return open;
    const known = this.#known.get(block);
    if (known === undefined) return undefined;
    const leaves = new LeafKeys(this.#unwrap(block, known));
    this.#open.set(block, leaves);
    return leaves;
  }

  #unwrap(recordKey: string, { record }: Known): readonly KeyNode[] {
    if (record instanceof MilenaError) throw record;
    return record === null ? [] : this.#master.unwrap(recordKey, record);
  }

  async #readToEnd(partition: number): Promise<void> {
    const to = await this.#log.end('content_keys', partition);
    const from = this.#position(partition);
    if (from.offset >= to) return;
    for await (const batch of this.#log.read('content_keys', partition, { from, to })) this.#take(batch);
  }

  async #follow(partition: number, signal: AbortSignal): Promise<void> {
    const from = this.#position(partition);
    for await (const batch of this.#log.read('content_keys', partition, { from, signal })) this.#take(batch);
  }

  #position(partition: number): ReadPosition {
    return this.#positions.get(partition) ?? { offset: 0, epoch: 0 };
  }

  #take(batch: LogBatch): void {
    // `follow` and `refresh` may both be reading: what the one has passed must not undo the other's.
    const before = this.#position(batch.partition).offset;
    for (const record of batch.records) {
      if (record.offset < before) continue;
      this.learn(record.key, this.#decode(record.value), record.offset);
    }
    if (batch.next.offset > before) this.#positions.set(batch.partition, batch.next);
  }

  #decode(value: Uint8Array | null): ContentKeyRecord | null | MilenaError {
    if (value === null) return null;
    try {
      const fact = this.#codec.decode(value);
      if (fact.type === 'content_key') return fact.value;
      return new MilenaError('BAD_RECORD', 'a record of content_keys has another type');
    } catch (error) {
      // A block that can't be read is an error for those who need it, and "erased" for nobody.
      if (isMilenaError(error, 'BAD_RECORD')) return error;
      throw error;
    }
  }
}
