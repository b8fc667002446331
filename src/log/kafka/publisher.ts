import { MilenaError } from '../../errors/milena-error.ts';
import { sizeOf } from '../facts.ts';
import type { NewRecord, Offset } from '../port.ts';
import type { TopicName } from '../topics.ts';
import { offsetShift, toRaw } from './envelope.ts';
import { codeOf, codes, NotSent } from './kafka-error.ts';
import { patience, persist } from './lane.ts';
import { lastAtBefore } from './last-at.ts';
import { type KafkaParts, kafkaName, writeQueue } from './parts.ts';
import { endOf } from './positions.ts';
import { encodeBatch, noProducer } from './record-batch.ts';
import { maxAppendBytes } from './topic-settings.ts';

const publishPatienceMs = 5_000;

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly resolve: (offsets: readonly Offset[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Publishes to one partition that any node writes. One batch is in flight (kafkajs does not keep the order of
 * requests made at once); whatever is published meanwhile goes with the next.
 */
export class PartitionPublisher {
  readonly #parts: KafkaParts;
  readonly #topic: TopicName;
  readonly #partition: number;
  #waiting: Waiting[] = [];
  /** The latest `at`; undefined until the partition was looked at. */
  #lastAt: number | undefined;
  #running = false;

  constructor(parts: KafkaParts, topic: TopicName, partition: number) {
    this.#parts = parts;
    this.#topic = topic;
    this.#partition = partition;
  }

  /**
   * `at` never goes back among what this node publishes, nor behind what stood there when it began. What nodes
   * publish at the same moment can differ by as much as their clocks do.
   * @throws MilenaError APPEND_TOO_LARGE, LOG_UNAVAILABLE (nothing was written), INDEFINITE.
   */
  async publish(records: readonly NewRecord[]): Promise<readonly Offset[]> {
    if (records.length === 0) return [];
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#take();
      try {
        let next = await this.#send(group.flatMap((one) => one.records));
        for (const { records, resolve } of group) {
          resolve(records.map((_, index) => next + index + offsetShift));
          next += records.length;
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = false;
  }

  /** As many as fit one batch, and at least one. */
  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { records } of this.#waiting) {
      for (const record of records) bytes += sizeOf(record);
      if (count > 0 && bytes > maxAppendBytes) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(records: readonly NewRecord[]): Promise<number> {
    const name = kafkaName(this.#parts, this.#topic);
    let at = this.#lastAt ?? (await this.#latest(name));
    const raw = records.map((record) => {
      at = Math.max(at, record.at);
      return toRaw(record, 0, at);
    });
    this.#lastAt = at;
    return await produceAny(this.#parts, name, this.#partition, encodeBatch(raw, noProducer));
  }

  async #latest(name: string): Promise<number> {
    const end = await endOf(this.#parts.read, name, this.#partition);
    return await lastAtBefore(this.#parts, this.#topic, this.#partition, end);
  }
}

/**
 * Writes a batch without a producer. It is repeated when the broker did not take it; a leader that was deposed
 * while it waited for its replicas says the same, so in that rare case a record can come twice (its key tells).
 * @returns Kafka's offset of its start.
 * @throws MilenaError LOG_UNAVAILABLE (nothing was written), INDEFINITE, APPEND_TOO_LARGE.
 */
export async function produceAny(
  parts: KafkaParts,
  name: string,
  partition: number,
  batch: Buffer,
): Promise<number> {
  const queue = writeQueue(parts, partition);
  try {
    return await persist(queue.lane, patience(publishPatienceMs), async () => {
      try {
        return await queue.send({ topic: name, partition, batch });
      } catch (error) {
        const code = codeOf(error);
        const doubtful = code === codes.requestTimedOut || code === codes.notEnoughReplicasAfterAppend;
        if (!doubtful && (error instanceof NotSent || code !== undefined)) throw error;
        throw new MilenaError('INDEFINITE', undefined, { cause: error });
      }
    });
  } catch (error) {
    if (error instanceof MilenaError) throw error;
    const code = codeOf(error);
    const tooLarge = code === codes.messageTooLarge || code === codes.recordListTooLarge;
    throw new MilenaError(tooLarge ? 'APPEND_TOO_LARGE' : 'LOG_UNAVAILABLE', undefined, { cause: error });
  }
}
