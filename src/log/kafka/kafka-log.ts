import type { SASLOptions } from 'kafkajs';
import { checkAppend, checkPartition, checkTopic } from '../check-append.ts';
import { createCodec } from '../codec.ts';
import type { LogMeta } from '../log-meta.ts';
import type { EventLog } from '../port.ts';
import { type TopicName, topicNames } from '../topics.ts';
import { KafkaAssignment } from './assignment.ts';
import { claimSlot } from './claim.ts';
import { compactPartition } from './compaction.ts';
import { offsetShift } from './envelope.ts';
import type { KafkaAddress } from './kafkajs-private.ts';
import { Lane } from './lane.ts';
import { Meta } from './meta.ts';
import { type KafkaParts, kafkaName } from './parts.ts';
import { positionsOf } from './positions.ts';
import { prepareTopics } from './prepare-topics.ts';
import { ProduceQueue, produceTimeoutMs } from './produce-queue.ts';
import { PartitionPublisher } from './publisher.ts';
import { readPartition } from './reader.ts';
import { TailHub } from './tail-hub.ts';
import { maxAppendBytes, metaTopic, type PromptCompaction, usualCompaction } from './topic-settings.ts';

/** How a log on Kafka is opened. */
export interface KafkaLogOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** Begins the name of every topic, of the group and of the transactional IDs: one cluster can hold many logs. */
  readonly prefix: string;
  /** The server whose log it is. A log without a name takes it; one of another server is refused. */
  readonly serverName?: string;
  /** Slots of a log that is made now (default 64). Given for one that exists, it must be what it has. */
  readonly slots?: number;
  /** Replicas of a log that is made now (default 3, or as many as there are brokers). */
  readonly replicationFactor?: number;
  /** This node's address on its internal listener, for claim records. */
  readonly node?: string;
  /** This software's name and version, for claim records. */
  readonly software?: string;
  /** Milliseconds after which a silent owner's slots go to others (default and Kafka's least: 6,000). */
  readonly sessionMs?: number;
  /** What is compacted promptly in a log that is made now (default: `content_keys`, after a minute). */
  readonly promptCompaction?: PromptCompaction;
  readonly ssl?: KafkaAddress['ssl'];
  readonly sasl?: SASLOptions;
  /** Told once, when it is opened, if the log has fewer copies than it should: a sentence for the operator. */
  readonly onWarning?: (text: string) => void;
}

/** Two, so that one's requests are made up while the other's are replicated. */
const writeQueues = 2;

/**
 * Opens a log on Kafka, and makes it if it is not there (see `docs/adr/0006-log-on-kafka.md`).
 * @throws MilenaError LOG_UNAVAILABLE, LOG_UNSAFE, DATA_MISMATCH.
 */
export async function createKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const address = addressOf(options);
  const { prefix } = options;
  const prepared = await prepareTopics(address, {
    prefix,
    slots: options.slots,
    replicas: options.replicationFactor,
    prompt: options.promptCompaction ?? usualCompaction,
  });
  if (prepared.warning !== undefined) options.onWarning?.(prepared.warning);
  const names = [metaTopic, ...topicNames].map((name) => prefix + name);
  const lane = (timeoutMs: number) => new Lane(address, names, timeoutMs);
  const closing = new AbortController();
  const parts: KafkaParts = {
    prefix,
    ...prepared,
    write: Array.from({ length: writeQueues }, () => new ProduceQueue(lane(produceTimeoutMs + 1_000))),
    read: lane(10_000),
    tail: lane(5_000),
    closed: closing.signal,
  };
  const meta = new Meta(parts);
  const assignment = new KafkaAssignment({
    groupId: `${prefix}owners`,
    slots: prepared.slots,
    sessionMs: options.sessionMs ?? 6_000,
    meta,
    read: parts.read,
    lanes: () => ({ joins: lane(10_000), beats: lane(2_000) }),
  });
  try {
    await untilServed(parts);
    const said = await meta.settle(options.serverName);
    return new KafkaLog({ parts, assignment, meta, said, claim: claimValue(options), closing });
  } catch (error) {
    closeLanes(parts);
    throw error;
  }
}

function addressOf({ brokers, ssl, sasl }: KafkaLogOptions): KafkaAddress {
  return { brokers, ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) };
}

/** A broker that was just told to make 513 partitions leads them on paper for 10 s before it serves them. */
async function untilServed(parts: KafkaParts): Promise<void> {
  const partitions = Array.from({ length: parts.slots }, (_, partition) => partition);
  for (const topic of topicNames) {
    await positionsOf(parts.read, kafkaName(parts, topic), partitions, 'end', 90_000);
  }
  await positionsOf(parts.read, parts.prefix + metaTopic, [0], 'end', 90_000);
}

function closeLanes(parts: KafkaParts): void {
  for (const lane of [...parts.write.map((queue) => queue.lane), parts.read, parts.tail]) lane.close();
}

function claimValue(options: KafkaLogOptions): Uint8Array {
  const value = { node: options.node ?? '', software: options.software ?? 'milena' };
  return createCodec().encode('claim', value);
}

interface KafkaLogParts {
  readonly parts: KafkaParts;
  readonly assignment: KafkaAssignment;
  readonly meta: Meta;
  /** What the log said about itself when it was opened. */
  readonly said: LogMeta;
  readonly claim: Uint8Array;
  readonly closing: AbortController;
}

class KafkaLog implements EventLog {
  readonly adapter = 'kafka';
  readonly generation: string;
  readonly serverName: string | undefined;
  readonly slots: number;
  readonly maxAppendBytes = maxAppendBytes;
  readonly #parts: KafkaParts;
  readonly #hub: TailHub;
  readonly #assignment: KafkaAssignment;
  readonly #claim: Uint8Array;
  readonly #meta: Meta;
  readonly #closing: AbortController;
  readonly #publishers = new Map<string, PartitionPublisher>();

  constructor({ parts, assignment, meta, said, claim, closing }: KafkaLogParts) {
    this.generation = said.generation;
    this.serverName = said.serverName;
    this.#meta = meta;
    this.slots = parts.slots;
    this.#parts = parts;
    this.#hub = new TailHub(parts);
    this.#assignment = assignment;
    this.#claim = claim;
    this.#closing = closing;
  }

  async claim(slot: number) {
    checkPartition('rooms', slot, this.slots);
    return await claimSlot(this.#parts, slot, this.#claim);
  }

  async publish(topic: TopicName, partition: number, records: Parameters<EventLog['publish']>[2]) {
    checkPartition(topic, partition, this.slots);
    checkAppend(topic, records, 'any', this.maxAppendBytes);
    const key = `${topic}/${partition}`;
    let publisher = this.#publishers.get(key);
    if (publisher === undefined) {
      publisher = new PartitionPublisher(this.#parts, topic, partition);
      this.#publishers.set(key, publisher);
    }
    return await publisher.publish(records);
  }

  read(topic: TopicName, partition: number, options: Parameters<EventLog['read']>[2]) {
    checkPartition(topic, partition, this.slots);
    return readPartition(this.#parts, this.#hub, topic, partition, options);
  }

  async end(topic: TopicName, partition: number) {
    checkPartition(topic, partition, this.slots);
    const [end = 0] = await this.#ends(topic, [partition]);
    return end;
  }

  async ends(topic: TopicName) {
    checkTopic(topic);
    return await this.#ends(
      topic,
      Array.from({ length: this.slots }, (_, partition) => partition),
    );
  }

  async #ends(topic: TopicName, partitions: readonly number[]) {
    const ends = await positionsOf(this.#parts.read, kafkaName(this.#parts, topic), partitions, 'end');
    return ends.map((end) => end + offsetShift);
  }

  async compact(topic: TopicName, partition: number) {
    checkPartition(topic, partition, this.slots);
    await compactPartition(this.#parts, topic, partition);
  }

  async beginImport() {
    await this.#meta.noteImport();
  }

  async endImport() {
    await this.#meta.noteImported();
  }

  noteMaster(id?: string) {
    return this.#meta.noteMaster(id);
  }

  assignment() {
    return this.#assignment;
  }

  async close() {
    if (this.#closing.signal.aborted) return;
    await this.#assignment.leave();
    this.#closing.abort();
    closeLanes(this.#parts);
  }
}
