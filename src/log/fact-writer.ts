import { MilenaError } from '../errors/milena-error.ts';
import type { Codec, Sealed, Stored } from './codec.ts';
import { groupByAppend, splitFact } from './facts.ts';
import type { EventLog, LogRecord, NewRecord, Offset, Writer } from './port.ts';
import type { Records, RecordType } from './records.ts';
import { Block, blockKey } from './sealing/block.ts';
import type { ContentKeys } from './sealing/content-keys.ts';
import { coverWithout, type KeyNode, leavesPerBlock } from './sealing/key-tree.ts';
import type { MasterKey } from './sealing/master-key.ts';
import type { TopicName } from './topics.ts';

/** A fact to be appended: a record in plain text. */
export interface NewFact<T extends RecordType = RecordType> {
  readonly key: string;
  readonly type: T;
  readonly value: Records[T];
  /** 16 bytes that name the command which caused it. */
  readonly command?: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Any fact to be appended, as a union over the types. */
export type AnyNewFact = { [T in RecordType]: NewFact<T> }[RecordType];

/** Where a fact stands. */
export interface AppendedFact {
  /** The offset of the record, or of the closing record of a fact in parts. */
  readonly offset: Offset;
  /** The offset of the first part: the same, when it is in one. */
  readonly first: Offset;
}

/** What a fact writer needs besides the claim. */
export interface FactWriterParts {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly keys: ContentKeys;
  readonly master: MasterKey;
}

/** When so many leaves are left, the next block's key is appended, so that a full block stalls nobody. */
const orderAhead = leavesPerBlock / 4;

interface Blocks {
  current: Block;
  /** The next block, once ordered; it is there when its key is on the log. */
  next?: Promise<Block>;
}

/**
 * Writes facts of one slot: seals, encodes, keeps blocks of content keys, splits what is too large. After
 * any error of an append it refuses to go on: what follows on a fact's chunks would be taken for their end.
 */
export class FactWriter {
  readonly writer: Writer;
  readonly #parts: FactWriterParts;
  readonly #blocks = new Map<TopicName, Blocks>();
  #keysWritten: Promise<unknown> = Promise.resolve();
  #failure: unknown;

  constructor(writer: Writer, parts: FactWriterParts) {
    this.writer = writer;
    this.#parts = parts;
  }

  /**
   * Appends facts to the slot's partition of a topic, in order. All or none where they fit one append;
   * otherwise each append is all or none, and so is each fact.
   * At most one call per topic may be under way.
   * @throws MilenaError as `Writer.append`; BAD_RECORD when a fact does not fit its schema (nothing is written).
   */
  async append(topic: TopicName, facts: readonly AnyNewFact[]): Promise<readonly AppendedFact[]> {
    const records: NewRecord[] = [];
    for (const fact of facts) {
      const sealed = this.#trySeal(topic, fact) ?? (await this.#sealWaiting(topic, fact));
      records.push(this.#encode(fact, sealed.content));
    }
    return this.#appendRecords(topic, records);
  }

  /**
   * Appends a tombstone to a compacted topic: the key has no value any more.
   * The same rules as for `append` hold.
   */
  async remove(topic: TopicName, keys: readonly string[], type: RecordType, at: number): Promise<void> {
    await this.#appendRecords(
      topic,
      keys.map((key) => ({ key, type, at, value: null })),
    );
  }

  /**
   * Erases contents for good: replaces their blocks' stored keys by what opens all the rest. What was stored
   * before is gone from the disk after `EventLog.compact('content_keys', slot)`.
   * @param topic where the records with the contents stand; the partition is that of the slot.
   * @returns how many blocks were changed; 0 when all of it had been erased before.
   */
  async erase(
    topic: TopicName,
    contents: readonly Pick<Sealed, 'block' | 'leaf'>[],
    at: number,
  ): Promise<number> {
    const { keys } = this.#parts;
    await keys.refresh(this.writer.slot);
    const leaves = new Map<string, Set<number>>();
    for (const { block, leaf } of contents) {
      const key = blockKey(topic, this.writer.slot, block);
      leaves.set(key, (leaves.get(key) ?? new Set()).add(leaf));
    }
    let changed = 0;
    for (const [key, erased] of leaves) {
      const before = keys.nodesOf(key) ?? [];
      const after = coverWithout(before, erased);
      if (after.length === before.length && after.every((node, index) => node === before[index])) continue;
      await this.#writeKeys(key, after, at);
      changed++;
    }
    return changed;
  }

  /** Erases the content of a record that was read, if it has any. @returns whether anything changed. */
  async eraseRecord(record: LogRecord, at: number): Promise<boolean> {
    if (record.value === null || record.partition !== this.writer.slot) return false;
    const { value } = this.#parts.codec.decode(record.value);
    if (!('sealed' in value) || value.sealed === null) return false;
    return (await this.erase(record.topic, [value.sealed], at)) > 0;
  }

  #encode(fact: AnyNewFact, sealed: Sealed | null | undefined): NewRecord {
    const { key, type, at, command } = fact;
    // `sealed` was put in the place of its plain text, so the value has the stored shape of the same type.
    const stored = (sealed === undefined ? fact.value : { ...fact.value, sealed }) as Stored<typeof type>;
    const value = this.#parts.codec.encode(type, stored);
    return { key, type, at, value, ...(command === undefined ? {} : { command }) };
  }

  /** Seals without waiting; undefined when a new block is needed first. */
  #trySeal(topic: TopicName, fact: AnyNewFact): { content: Sealed | null | undefined } | undefined {
    if (!('sealed' in fact.value)) return { content: undefined };
    if (fact.value.sealed === null) return { content: null };
    const blocks = this.#blocks.get(topic);
    if (blocks === undefined || blocks.current.left === 0) return undefined;
    const content = blocks.current.seal(fact.key, fact.value.sealed);
    if (blocks.current.left <= orderAhead) this.#order(topic, blocks, fact.at);
    return { content };
  }

  async #sealWaiting(topic: TopicName, fact: AnyNewFact): Promise<{ content: Sealed | null | undefined }> {
    const blocks = this.#blocks.get(topic);
    if (blocks === undefined) {
      this.#blocks.set(topic, { current: await this.#newBlock(topic, fact.at) });
    } else {
      this.#order(topic, blocks, fact.at);
      if (blocks.next !== undefined) blocks.current = await blocks.next;
      delete blocks.next;
    }
    const sealed = this.#trySeal(topic, fact);
    if (sealed === undefined) throw new MilenaError('INTERNAL', 'a new block of content keys is full');
    return sealed;
  }

  #order(topic: TopicName, blocks: Blocks, at: number): void {
    if (blocks.next !== undefined) return;
    blocks.next = this.#newBlock(topic, at);
    // Whoever needs the block meets the failure; until then nobody may be waiting.
    blocks.next.catch(() => undefined);
  }

  async #newBlock(topic: TopicName, at: number): Promise<Block> {
    const block = new Block();
    await this.#writeKeys(blockKey(topic, this.writer.slot, block.name), [block.root], at);
    return block;
  }

  /** Appends a block's keys. One at a time, since all topics of the slot share the partition. */
  #writeKeys(key: string, nodes: readonly KeyNode[], at: number): Promise<void> {
    const written = this.#keysWritten.then(async () => {
      const record = this.#parts.master.wrap(key, nodes);
      const value = this.#parts.codec.encode('content_key', record);
      const [offset] = await this.#write('content_keys', [{ key, type: 'content_key', at, value }]);
      if (offset !== undefined) this.#parts.keys.learn(key, record, offset);
    });
    this.#keysWritten = written.catch(() => undefined);
    return written;
  }

  async #appendRecords(topic: TopicName, records: readonly NewRecord[]): Promise<readonly AppendedFact[]> {
    const max = this.#parts.log.maxAppendBytes;
    const appended: AppendedFact[] = [];
    for (const group of groupByAppend(records, max)) {
      const [only] = group;
      if (only !== undefined && group.length === 1) {
        const offsets: Offset[] = [];
        for (const part of splitFact(only, max)) offsets.push(...(await this.#write(topic, [part])));
        appended.push({ offset: offsets.at(-1) ?? 0, first: offsets[0] ?? 0 });
      } else {
        for (const offset of await this.#write(topic, group)) appended.push({ offset, first: offset });
      }
    }
    return appended;
  }

  async #write(topic: TopicName, records: readonly NewRecord[]): Promise<readonly Offset[]> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await this.writer.append(topic, records);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}
