import type { TopicName } from '../../log/topics.ts';

/** How HTTP waits for the read models of this node to catch up with the log. */
export interface ReadGate {
  /**
   * Resolves true as soon as every model that serves requests has applied the record at `offset` of the
   * partition (at once when it has), false after `timeoutMs`.
   */
  reached(topic: TopicName, partition: number, offset: number, timeoutMs: number): Promise<boolean>;
  /**
   * Asks the log for the partition's end as it is now, then waits for it as `reached` does. For what was not
   * found: another node may have acknowledged it a moment ago.
   */
  caughtUp(topic: TopicName, partition: number, timeoutMs: number): Promise<boolean>;
}
