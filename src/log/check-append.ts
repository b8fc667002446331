import { MilenaError } from '../errors/milena-error.ts';
import { sizeOf } from './facts.ts';
import type { NewRecord } from './port.ts';
import { type TopicName, topics } from './topics.ts';

/**
 * What every adapter checks before it writes.
 * @throws MilenaError APPEND_TOO_LARGE; INTERNAL when the caller breaks a rule of the port.
 */
export function checkAppend(
  topic: TopicName,
  records: readonly NewRecord[],
  writer: 'owner' | 'any',
  maxAppendBytes: number,
): void {
  checkTopic(topic);
  if (topics[topic].writer !== writer) {
    throw new MilenaError(
      'INTERNAL',
      `${topic} is not written by ${writer === 'owner' ? 'owners' : 'anybody'}`,
    );
  }
  let bytes = 0;
  for (const record of records) {
    if (record.value === null && topics[topic].kept !== 'compacted') {
      throw new MilenaError('INTERNAL', `a tombstone on ${topic}, which is not compacted`);
    }
    if (record.part !== undefined && writer === 'any') {
      throw new MilenaError('INTERNAL', `a fact in parts on ${topic}, which anybody writes`);
    }
    bytes += sizeOf(record);
  }
  if (bytes > maxAppendBytes) {
    throw new MilenaError('APPEND_TOO_LARGE', undefined, { log: { topic, bytes, maxAppendBytes } });
  }
}

/** @throws MilenaError INTERNAL when there is no such topic. */
export function checkTopic(topic: TopicName): void {
  if (!Object.hasOwn(topics, topic)) throw new MilenaError('INTERNAL', `there is no topic ${topic}`);
}

/** @throws MilenaError INTERNAL when the log has no such partition, or no such topic. */
export function checkPartition(topic: TopicName, partition: number, slots: number): void {
  checkTopic(topic);
  if (!Number.isInteger(partition) || partition < 0 || partition >= slots) {
    throw new MilenaError('INTERNAL', `${topic} has no partition ${partition}`, { log: { slots } });
  }
}
