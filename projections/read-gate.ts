import type { EventLog } from '../src/log/port.ts';
import type { TopicName } from '../src/log/topics.ts';
import type { ReadModel } from './framework/model.ts';
import type { Positions } from './framework/positions.ts';

/** Waits for the models of this node to catch up with the log: for reading one's own writes. */
export interface ReadGate {
  /**
   * Resolves true as soon as every model that reads the topic has applied the record at `offset` of the
   * partition (at once when it has), false after `timeoutMs`.
   */
  reached(topic: TopicName, partition: number, offset: number, timeoutMs: number): Promise<boolean>;
  /**
   * Asks the log for the partition's end as it is now, then waits for it as `reached` does. For what was not
   * found: another node may have acknowledged it a moment ago.
   */
  caughtUp(topic: TopicName, partition: number, timeoutMs: number): Promise<boolean>;
}

/** The gate over some models: those that serve requests. */
export function createReadGate(
  positions: Positions,
  log: Pick<EventLog, 'end'>,
  models: readonly ReadModel[],
): ReadGate {
  const reached: ReadGate['reached'] = async (topic, partition, offset, timeoutMs) => {
    const waiting = models
      .filter((model) => model.topics.includes(topic))
      .map((model) => positions.waitFor(model.name, topic, partition, offset, timeoutMs));
    return (await Promise.all(waiting)).every((done) => done);
  };
  return {
    reached,
    caughtUp: async (topic, partition, timeoutMs) => {
      const end = await log.end(topic, partition);
      return end === 0 || reached(topic, partition, end - 1, timeoutMs);
    },
  };
}
