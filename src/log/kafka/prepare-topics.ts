import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type PartitionMetadata } from 'kafkajs';
import { MilenaError } from '../../errors/milena-error.ts';
import { type TopicName, topicNames } from '../topics.ts';
import { judgeCopies, type TopicCopies } from './durability.ts';
import { type KafkaAddress, kafkaClient } from './kafkajs-private.ts';
import { metaTopic, type PromptCompaction, topicSettings, unsafeSettings } from './topic-settings.ts';

/** What the log is to be made with; what exists keeps what it has. */
export interface TopicPlan {
  readonly prefix: string;
  readonly slots: number | undefined;
  readonly replicas: number | undefined;
  readonly prompt: PromptCompaction;
}

/** What there is. */
export interface PreparedTopics {
  readonly slots: number;
  /** The broker forgets a producer that has been silent on a partition for so many milliseconds. */
  readonly producerExpiryMs: number;
  /** The broker forgets a transactional ID that has been silent for so many milliseconds. */
  readonly transactionalIdExpiryMs: number;
  /** What the operator must be told of: the log has fewer copies than it should. */
  readonly warning: string | undefined;
}

type AnyTopic = TopicName | typeof metaTopic;
const wanted: readonly AnyTopic[] = [metaTopic, ...topicNames];
const defaultSlots = 64;

/**
 * Makes the topics that are missing (two nodes may do so at once), and checks the others.
 * @throws MilenaError DATA_MISMATCH when the log has another number of slots than asked for; LOG_UNSAFE when a
 *   topic's settings would lose records, or its acknowledgements rest on one copy though there are three brokers; LOG_UNAVAILABLE when the brokers can't be reached.
 */
export async function prepareTopics(address: KafkaAddress, plan: TopicPlan): Promise<PreparedTopics> {
  const admin = kafkaClient(address, 10_000).admin();
  try {
    await admin.connect();
    const slots = await ensureTopics(admin, plan);
    const warning = await checkSettings(admin, plan.prefix);
    return { slots, warning, ...(await expiries(admin)) };
  } catch (error) {
    if (error instanceof MilenaError) throw error;
    throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause: error });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

async function ensureTopics(admin: Admin, plan: TopicPlan): Promise<number> {
  let found = await partitions(admin, plan.prefix);
  const slots = found.get('rooms') ?? plan.slots ?? defaultSlots;
  const { brokers } = await admin.describeCluster();
  const replicas = plan.replicas ?? Math.min(3, brokers.length);
  for (let tries = 0; found.size < wanted.length; tries++) {
    if (tries === 100) throw new MilenaError('LOG_UNAVAILABLE', 'Kafka did not make the topics.');
    const missing = wanted.filter((name) => !found.has(name));
    await create(admin, plan, missing, slots, replicas);
    found = await partitions(admin, plan.prefix);
    if (found.size < wanted.length) await sleep(50);
  }
  for (const name of topicNames) {
    const has = found.get(name);
    if (has !== slots || (plan.slots !== undefined && plan.slots !== has)) {
      throw new MilenaError(
        'DATA_MISMATCH',
        `The topic ${plan.prefix}${name} has ${has} partitions, not ${plan.slots ?? slots}.`,
      );
    }
  }
  return slots;
}

/** Partitions of those of our topics that exist and whose partitions all have a leader. */
async function partitions(admin: Admin, prefix: string): Promise<ReadonlyMap<AnyTopic, number>> {
  const found = await metadata(admin, prefix);
  return new Map(
    [...found]
      .filter(([, all]) => all.every((one) => one.leader >= 0))
      .map(([name, all]) => [name, all.length] as const),
  );
}

/** What the brokers say of those of our topics that exist: who leads each partition, and where its copies are. */
async function metadata(
  admin: Admin,
  prefix: string,
): Promise<ReadonlyMap<AnyTopic, readonly PartitionMetadata[]>> {
  const existing = new Set(await admin.listTopics());
  const ours = wanted.filter((name) => existing.has(prefix + name));
  if (ours.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: ours.map((name) => prefix + name) });
  const names = new Map(ours.map((name) => [prefix + name, name]));
  return new Map(
    topics.flatMap((topic) => {
      const name = names.get(topic.name);
      return name === undefined ? [] : [[name, topic.partitions] as const];
    }),
  );
}

async function create(
  admin: Admin,
  plan: TopicPlan,
  names: readonly AnyTopic[],
  slots: number,
  replicas: number,
): Promise<void> {
  const topics = names.map((name) => ({
    topic: plan.prefix + name,
    numPartitions: name === metaTopic ? 1 : slots,
    replicationFactor: replicas,
    configEntries: Object.entries(topicSettings(name, replicas, plan.prompt)).map(([key, value]) => ({
      name: key,
      value,
    })),
  }));
  try {
    await admin.createTopics({ topics, waitForLeaders: false, timeout: 8_000 });
  } catch (error) {
    // Another node may be making them at this moment: what counts is what is there afterwards.
    if (!(error instanceof kafkajs.KafkaJSAggregateError)) throw error;
    const serious = error.errors.filter((one) => typeof one === 'string' || !isAlreadyThere(one));
    if (serious.length > 0) throw new Error('Kafka refused to make the topics', { cause: serious[0] });
  }
}

function isAlreadyThere(error: Error): boolean {
  return 'type' in error && error.type === 'TOPIC_ALREADY_EXISTS';
}

/** @returns what the operator must be told of the log's copies, if anything. */
async function checkSettings(admin: Admin, prefix: string): Promise<string | undefined> {
  const resources = wanted.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: prefix + name }));
  const described = await admin.describeConfigs({ resources, includeSynonyms: false });
  const placed = await metadata(admin, prefix);
  const copies: TopicCopies[] = [];
  for (const { resourceName, configEntries } of described.resources) {
    const name = wanted.find((one) => prefix + one === resourceName);
    if (name === undefined) continue;
    const found = Object.fromEntries(configEntries.map((entry) => [entry.configName, entry.configValue]));
    const wrong = unsafeSettings(name, found);
    if (wrong.length > 0) {
      throw new MilenaError('LOG_UNSAFE', `Topic ${resourceName} would lose records: ${wrong.join(', ')}.`);
    }
    const replicas = Math.min(...(placed.get(name) ?? []).map((one) => one.replicas.length));
    copies.push({ name: resourceName, replicas, minInSync: Number(found['min.insync.replicas'] ?? 1) });
  }
  const { brokers } = await admin.describeCluster();
  const { refusal, warning } = judgeCopies(copies, brokers.length);
  if (refusal !== undefined) throw new MilenaError('LOG_UNSAFE', refusal);
  return warning;
}

const day = 86_400_000;

/** What the brokers forget and when. Who may not ask gets Kafka's defaults. */
async function expiries(admin: Admin): Promise<Omit<PreparedTopics, 'slots' | 'warning'>> {
  const settings = await brokerSettings(admin).catch(() => new Map<string, string>());
  const read = (name: string, otherwise: number) => Number(settings.get(name) ?? otherwise);
  return {
    producerExpiryMs: read('producer.id.expiration.ms', day),
    transactionalIdExpiryMs: read('transactional.id.expiration.ms', 7 * day),
  };
}

async function brokerSettings(admin: Admin): Promise<ReadonlyMap<string, string>> {
  const { brokers } = await admin.describeCluster();
  const resources = brokers.map(({ nodeId }) => ({
    type: kafkajs.ConfigResourceTypes.BROKER,
    name: String(nodeId),
    configNames: ['producer.id.expiration.ms', 'transactional.id.expiration.ms'],
  }));
  const described = await admin.describeConfigs({ resources, includeSynonyms: false });
  const least = new Map<string, string>();
  for (const entry of described.resources.flatMap((one) => one.configEntries)) {
    const before = least.get(entry.configName);
    if (before === undefined || Number(entry.configValue) < Number(before)) {
      least.set(entry.configName, entry.configValue);
    }
  }
  return least;
}
