import { MilenaError } from '../../errors/milena-error.ts';
import { checkAppend } from '../check-append.ts';
import type { NewRecord, Offset, Writer } from '../port.ts';
import { ownedTopics, type TopicName } from '../topics.ts';
import { type Claimed, PartitionWriter } from './partition-writer.ts';
import { type KafkaParts, kafkaName } from './parts.ts';
import { endOf } from './positions.ts';
import { maxAppendBytes } from './topic-settings.ts';

/** The right to write one slot, as `claim.ts` makes it. */
export class KafkaWriter implements Writer {
  readonly slot: number;
  readonly epoch: number;
  readonly #parts: KafkaParts;
  readonly #claimedAt: number;
  readonly #writers: ReadonlyMap<TopicName, PartitionWriter>;
  /** Until when (monotonic milliseconds) the brokers certainly remember a newer claim, and so refuse us. */
  readonly #fencedUntil = new Map<TopicName, number>();
  #failure: MilenaError | undefined;

  /** @param claimedAt monotonic milliseconds before the producer ID was asked for. */
  constructor(parts: KafkaParts, claimed: Claimed, claimedAt: number) {
    this.slot = claimed.slot;
    this.epoch = claimed.epoch;
    this.#parts = parts;
    this.#claimedAt = claimedAt;
    this.#writers = new Map(ownedTopics.map((topic) => [topic, new PartitionWriter(parts, claimed, topic)]));
    for (const topic of ownedTopics) this.#fencedUntil.set(topic, claimedAt + parts.producerExpiryMs / 2);
  }

  /** The writer of one topic's partition. */
  partition(topic: TopicName): PartitionWriter {
    const writer = this.#writers.get(topic);
    if (writer === undefined) throw new MilenaError('INTERNAL', `no owner writes ${topic}`);
    return writer;
  }

  async append(topic: TopicName, records: readonly NewRecord[]): Promise<readonly Offset[]> {
    checkAppend(topic, records, 'owner', maxAppendBytes);
    const writer = this.partition(topic);
    try {
      if (this.#failure !== undefined) await this.#refuse(this.#failure);
      await this.#remembered(topic);
      const sentAt = performance.now();
      const offsets = await writer.append(records);
      this.#fencedUntil.set(topic, sentAt + this.#parts.producerExpiryMs / 2);
      return offsets;
    } catch (error) {
      // What a fenced or doubtful writer sends later could only be wrong.
      if (error instanceof MilenaError && (error.code === 'FENCED' || error.code === 'INDEFINITE')) {
        this.#failure = error;
      }
      throw error;
    }
  }

  /** After doubt nothing is written any more; who tries still learns if there is a newer claim by now. */
  async #refuse(failure: MilenaError): Promise<never> {
    if (failure.code === 'INDEFINITE') await this.assertNewest();
    throw failure;
  }

  /** Marks a writer that was fenced while it claimed. */
  fenced(failure: MilenaError): void {
    this.#failure = failure;
  }

  /**
   * After a long silence (an idle topic, a process that was suspended) the broker may have forgotten a newer
   * owner's producer and would take our records. They would be void, but on compacted topics they could
   * displace valid ones. So nothing is sent before a look for newer claims.
   */
  async #remembered(topic: TopicName): Promise<void> {
    const now = performance.now();
    const tooOld = now > this.#claimedAt + this.#parts.transactionalIdExpiryMs / 2;
    if (!tooOld && now < (this.#fencedUntil.get(topic) ?? 0)) return;
    await this.assertNewest();
    // A later claim will come after this, and be remembered for that long.
    for (const name of ownedTopics) this.#fencedUntil.set(name, now + this.#parts.producerExpiryMs / 2);
    // The coordinator may have forgotten our ID: then the next claim gets another, and fences nobody.
    if (tooOld) throw new MilenaError('INDEFINITE', 'The claim is too old: the slot must be claimed anew.');
  }

  /** @throws MilenaError FENCED when `rooms` has a newer claim; LOG_UNAVAILABLE. */
  async assertNewest(): Promise<void> {
    const rooms = this.partition('rooms');
    const expected = rooms.expected ?? 0;
    const end = await endOf(this.#parts.read, kafkaName(this.#parts, 'rooms'), this.slot);
    if (end > expected && (await rooms.newerClaim(expected, end))) throw new MilenaError('FENCED');
  }

  async close(): Promise<void> {
    this.#failure ??= new MilenaError('INTERNAL', 'The writer is closed.');
  }
}
