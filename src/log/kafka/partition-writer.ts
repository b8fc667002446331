import { MilenaError } from '../../errors/milena-error.ts';
import type { NewRecord, Offset } from '../port.ts';
import type { TopicName } from '../topics.ts';
import { chunkKey, claimType, fromStored, isChunkKey, offsetShift, toRaw } from './envelope.ts';
import { fetchOne } from './fetch-one.ts';
import { codeOf, codes, isPassing, NotSent } from './kafka-error.ts';
import { patience, persist } from './lane.ts';
import { hasGaps, type KafkaParts, kafkaName, writeQueue } from './parts.ts';
import { encodeBatch } from './record-batch.ts';
import { maxBatchBytes } from './topic-settings.ts';

/** How long an append goes on trying while a broker says that it can't take it now. */
const appendPatienceMs = 5_000;

/** What a claim gives to the writers of its partitions. */
export interface Claimed {
  readonly slot: number;
  readonly epoch: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/**
 * Writes one partition under a claim, one batch at a time, with sequence numbers of its own.
 *
 * Nobody else writes this partition, so its offsets have no gaps: a batch that stands right behind the last one
 * proves that no newer claim stands before it. That is checked with every acknowledgement, because the
 * broker's own fence ends when it forgets the newer producer (`producer.id.expiration.ms`).
 */
export class PartitionWriter {
  readonly #parts: KafkaParts;
  readonly #claimed: Claimed;
  readonly #topic: TopicName;
  /** Records written under this claim. Kafka's sequence numbers are these in 31 bits. */
  #written = 0;
  /** Kafka's offset of the next record, if nobody else writes; undefined before the claim record. */
  #expected: number | undefined;
  #lastAt = 0;
  #busy = false;

  constructor(parts: KafkaParts, claimed: Claimed, topic: TopicName) {
    this.#parts = parts;
    this.#claimed = claimed;
    this.#topic = topic;
  }

  /** From now on no record gets an earlier `at` than this. (Claims, which nobody reads, do not count.) */
  setClock(at: number): void {
    this.#lastAt = at;
  }

  /** Goes on where the writer that wrote the claim record stopped. */
  follow(first: PartitionWriter): void {
    this.#written = first.#written;
    this.#expected = first.#expected;
  }

  /** @throws as `Writer.append`; LOG_UNAVAILABLE when it is certain that nothing was written. */
  async append(records: readonly NewRecord[]): Promise<readonly Offset[]> {
    if (records.length === 0) return [];
    if (this.#busy) throw new MilenaError('INTERNAL', `two appends to ${this.#topic} at once`);
    let at = this.#lastAt;
    const { epoch } = this.#claimed;
    const raw = records.map((record, index) => {
      at = Math.max(at, record.at);
      const chunk = isChunkKey(this.#topic, record.part);
      return toRaw(record, epoch, at, chunk ? chunkKey(record.key, epoch, this.#written + index) : undefined);
    });
    this.#busy = true;
    try {
      const { producerId, producerEpoch } = this.#claimed;
      const batch = encodeBatch(raw, {
        id: producerId,
        epoch: producerEpoch,
        sequence: this.#written % 2 ** 31,
      });
      if (batch.length > maxBatchBytes) throw new MilenaError('APPEND_TOO_LARGE');
      const base = await this.#send(batch);
      this.#written += records.length;
      await this.#verify(base);
      this.#expected = base + records.length;
      this.#lastAt = at;
      return records.map((_, index) => base + index + offsetShift);
    } finally {
      this.#busy = false;
    }
  }

  /** Sends a batch until the broker has taken it or refused it for good. @returns Kafka's offset of its start. */
  async #send(batch: Buffer): Promise<number> {
    const name = kafkaName(this.#parts, this.#topic);
    const { slot } = this.#claimed;
    const queue = writeQueue(this.#parts, slot);
    let perhapsWritten = false;
    try {
      return await persist(queue.lane, patience(appendPatienceMs), async () => {
        try {
          return await queue.send({ topic: name, partition: slot, batch });
        } catch (error) {
          if (error instanceof NotSent) throw error;
          perhapsWritten ||= maybeWritten(codeOf(error));
          // Repeating would be safe (the broker knows the sequence), but how long it took matters to the owner,
          // and it has to claim anew after any doubt.
          if (codeOf(error) === undefined) throw new MilenaError('INDEFINITE', undefined, { cause: error });
          throw error;
        }
      });
    } catch (error) {
      throw verdict(error, perhapsWritten);
    }
  }

  /** @throws MilenaError FENCED when a newer claim stands before the batch, which is void then. */
  async #verify(base: number): Promise<void> {
    const expected = this.#expected;
    if (expected === undefined || base === expected) return;
    if (base < expected || (await this.newerClaim(expected, base))) throw new MilenaError('FENCED');
  }

  /** Whether a claim newer than ours stands between two of Kafka's offsets. */
  async newerClaim(from: number, to: number): Promise<boolean> {
    const topic = kafkaName(this.#parts, this.#topic);
    const partition = this.#claimed.slot;
    for (let offset = from; offset < to; ) {
      const window = await fetchOne(this.#parts.read, {
        topic,
        partition,
        offset,
        maxBytes: 1 << 20,
        gaps: hasGaps(this.#topic),
      });
      for (const stored of window.records) {
        if (stored.offset >= to) return false;
        const record = fromStored(stored, this.#topic, partition);
        if (record.type === claimType && record.epoch > this.#claimed.epoch) return true;
      }
      if (window.next === offset) return false;
      offset = window.next;
    }
    return false;
  }

  /** Kafka's offset behind our last record, for those who look for newer claims. */
  get expected(): number | undefined {
    return this.#expected;
  }
}

/**
 * Whether the batch may be on the log after a refusal that passes: a leader that is deposed while it waits for
 * its replicas says the same as one that never led. Too few replicas (19) is found out before anything is written.
 */
function maybeWritten(code: number | undefined): boolean {
  return code === undefined || code === -1 || (isPassing(code) && code !== codes.notEnoughReplicas);
}

/** What to tell the owner. */
function verdict(error: unknown, perhapsWritten: boolean): MilenaError {
  if (error instanceof MilenaError && error.code !== 'LOG_UNAVAILABLE') return error;
  const facts = { cause: error };
  if (perhapsWritten) return new MilenaError('INDEFINITE', undefined, facts);
  switch (codeOf(error)) {
    case codes.invalidProducerEpoch:
    case codes.producerFenced:
      return new MilenaError('FENCED', undefined, facts);
    case codes.messageTooLarge:
    case codes.recordListTooLarge:
      return new MilenaError('APPEND_TOO_LARGE', undefined, facts);
    case codes.outOfOrderSequence:
    case codes.duplicateSequence:
    case codes.unknownProducerId:
      return new MilenaError('INDEFINITE', undefined, facts);
    default:
      return new MilenaError('LOG_UNAVAILABLE', undefined, facts);
  }
}
