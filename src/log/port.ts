import type { TopicName } from './topics.ts';

/** A position on one partition. Offsets rise strictly and have gaps. */
export type Offset = number;

/** What is asked to be written. The partition is that of the slot, or given to `publish`. */
export interface NewRecord {
  /** The aggregate or thing it is about; compacted topics keep the last record of a key. */
  readonly key: string;
  /** The record type: a name in `schemas/`. */
  readonly type: string;
  /** 16 bytes that name the command which caused the record (see `src/owner/command-id.ts`), or none. */
  readonly command?: Uint8Array;
  /** Milliseconds since the epoch. The writer raises it so that it never goes back within a partition. */
  readonly at: number;
  /** Avro single-object encoding. `null` is a tombstone: legal on compacted topics only. */
  readonly value: Uint8Array | null;
  /**
   * Set on the records of a fact larger than one append: consecutive `chunk`s, then a `closing` one. A chunk
   * is void unless its closing record follows with nothing else between (see `facts.ts`).
   */
  readonly part?: 'chunk' | 'closing';
  /** Where the record stood on the log that it was imported from. */
  readonly origin?: Offset;
}

/** A record as it stands on the log. */
export interface LogRecord extends NewRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: Offset;
  /** The offset of the claim (in `rooms`) under which it was written; 0 on topics that any node writes. */
  readonly epoch: number;
}

/** Some records in offset order, void ones left out. */
export interface LogBatch {
  readonly topic: TopicName;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** Where to go on reading. Never past the first chunk of a fact that is not closed yet. */
  readonly next: ReadPosition;
}

/** Where a reader stands: enough to go on exactly there, voiding what must be void. */
export interface ReadPosition {
  /** The first offset not yet read. */
  readonly offset: Offset;
  /** The highest epoch seen before it; records of a lower one are void. */
  readonly epoch: number;
}

/** Options of `read`. */
export interface ReadOptions {
  readonly from: ReadPosition;
  /** Stop before this offset. Without it the read tails: it waits for more, until `signal` aborts. */
  readonly to?: Offset;
  /** The most records in a batch (default 2,000). */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/** A claim of one slot: the right to write its partitions until a newer claim. */
export interface Writer {
  readonly slot: number;
  /** The claim's own offset in partition `slot` of `rooms`: unique, and higher for every later claim. */
  readonly epoch: number;
  /**
   * Appends to one topic's partition, all or none, and resolves when the log has made them durable.
   * At most one call per topic may be under way.
   * @returns the offset of each record.
   * @throws MilenaError FENCED: a newer claim exists; nothing was written, and nothing ever will be by this writer.
   * @throws MilenaError INDEFINITE: whether it was written is not known; the slot must be claimed anew.
   * @throws MilenaError APPEND_TOO_LARGE: nothing was written; see `facts.ts`.
   */
  append(topic: TopicName, records: readonly NewRecord[]): Promise<readonly Offset[]>;
  /** Lets go of the slot's resources. It writes nothing; a later claim fences as ever. */
  close(): Promise<void>;
}

/** Who holds a slot, for forwarding and `milena status`. */
export interface SlotOwner {
  readonly slot: number;
  /** The node's address on the internal listener (`http://host:port`); undefined when nobody owns it. */
  readonly node?: string;
  readonly epoch?: number;
}

/** Settles which node owns which slots. */
export interface SlotAssignment {
  /**
   * Joins the owners. `gained` is called when this node may claim a slot, `lost` before another may.
   * @param node this node's address on the internal listener.
   */
  join(
    node: string,
    on: { readonly gained: (slot: number) => Promise<void>; readonly lost: (slot: number) => Promise<void> },
  ): Promise<void>;
  /** The end of this node's lease of a slot, in `performance.now()` milliseconds; 0 when it has none. */
  leaseUntil(slot: number): number;
  /** Who owns what, as far as this node knows; refreshed when `fresh` is true. */
  owners(fresh?: boolean): Promise<readonly SlotOwner[]>;
  /** Records the epoch of this node's claim, for `owners`. */
  claimed(slot: number, epoch: number): Promise<void>;
  /** Leaves; other nodes may take the slots at once. */
  leave(): Promise<void>;
}

/** The event log. Adapters: `postgres/`, `kafka/`; one contract suite (`test/contract/`) holds for all. */
export interface EventLog {
  /** Which adapter it is; see `capabilities.ts`. */
  readonly adapter: 'postgres' | 'kafka' | 'eventstore';
  /** Names this log since it was made or restored; it stands in every token. */
  readonly generation: string;
  /** The server whose history it is, for good; undefined until an opening has named one. */
  readonly serverName: string | undefined;
  /** Slots, that is partitions of each topic. Fixed when the log is made. */
  readonly slots: number;
  /** The most bytes of keys and values in one append. */
  readonly maxAppendBytes: number;
  /** Writes a claim record to every owned topic of the slot, fencing every earlier writer. */
  claim(slot: number): Promise<Writer>;
  /** Appends to a topic that any node writes (`to_device`, `ephemeral`, `inbox`). */
  publish(topic: TopicName, partition: number, records: readonly NewRecord[]): Promise<readonly Offset[]>;
  /** Reads a partition: bounded by `to`, or tailing. Void records and claim records are left out. */
  read(topic: TopicName, partition: number, options: ReadOptions): AsyncIterable<LogBatch>;
  /** The offset that the next record will have at the least: everything acknowledged stands before it. */
  end(topic: TopicName, partition: number): Promise<Offset>;
  /** Ends of every partition of a topic in one round trip, by partition. */
  ends(topic: TopicName): Promise<readonly Offset[]>;
  /** On compacted topics: drops what a later record of the same key has replaced, from the stored bytes too. */
  compact(topic: TopicName, partition: number): Promise<void>;
  /**
   * Notes durably that an import fills the log: until `endImport` nobody can open it (DATA_MISMATCH).
   * @throws MilenaError DATA_MISMATCH: that is noted already.
   */
  beginImport(): Promise<void>;
  /** Takes the note away: all that was to be imported is there. */
  endImport(): Promise<void>;
  /**
   * Notes which master key wraps the keys of the log's sealed content (`MasterKey.id`). The first note stays.
   * @param id the key of this node; left out, nothing is noted.
   * @returns what is noted; undefined when nothing is.
   */
  noteMaster(id?: string): Promise<string | undefined>;
  /** Joins the settlement of slots. */
  assignment(): SlotAssignment;
  /** Stops readers and closes connections. */
  close(): Promise<void>;
}
