import { type TopicName, topics } from '../topics.ts';
import type { Lane } from './lane.ts';

/** What the parts of the adapter share: settings and connections of one open log. */
export interface KafkaParts {
  readonly prefix: string;
  readonly slots: number;
  readonly producerExpiryMs: number;
  readonly transactionalIdExpiryMs: number;
  /** Lanes for appends and publishes; a partition always uses the same one. */
  readonly write: readonly Lane[];
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

/** The lane that a partition is written by. */
export function writeLane(parts: KafkaParts, partition: number): Lane {
  const lane = parts.write[partition % parts.write.length];
  if (lane === undefined) throw new RangeError(`the log has no partition ${partition}`);
  return lane;
}
