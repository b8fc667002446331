import { type TopicName, topics } from '../topics.ts';
import type { Lane } from './lane.ts';
import type { ProduceQueue } from './produce-queue.ts';

/** What the parts of the adapter share: settings and connections of one open log. */
export interface KafkaParts {
  readonly prefix: string;
  readonly slots: number;
  readonly producerExpiryMs: number;
  readonly transactionalIdExpiryMs: number;
  /** For appends and publishes; a partition always uses the same one. */
  readonly write: readonly ProduceQueue[];
  /** For reads that do not wait, and for everything rare. */
  readonly read: Lane;
  /** For the long polls of tailing reads. */
  readonly tail: Lane;
  /** Aborts when the log is closed. */
  readonly closed: AbortSignal;
}

/** Kafka's name of a topic. */
export function kafkaName(parts: Pick<KafkaParts, 'prefix'>, topic: TopicName): string {
  return parts.prefix + topic;
}

/** Whether records of a topic go in the course of time: compacted or expired. */
export function hasGaps(topic: TopicName): boolean {
  return topics[topic].kept === 'compacted' || topics[topic].kept === 'hours';
}

/** What a partition is written through. */
export function writeQueue(parts: KafkaParts, partition: number): ProduceQueue {
  const queue = parts.write[partition % parts.write.length];
  if (queue === undefined) throw new RangeError(`the log has no partition ${partition}`);
  return queue;
}
