/** What a topic says about its copies. */
export interface TopicCopies {
  /** Kafka's name of it. */
  readonly name: string;
  /** Copies of the partition that has the fewest. */
  readonly replicas: number;
  /** Copies that must hold a record before it is acknowledged (`min.insync.replicas`). */
  readonly minInSync: number;
}

/** What is wrong with the copies of a log: a sentence each, or nothing. */
export interface CopiesVerdict {
  /** Why the log must not be used: better could be had here. */
  readonly refusal?: string;
  /** What the operator must know: it is all that these brokers allow. */
  readonly warning?: string;
}

/** Copies of a log that survives a broker. */
export const enoughReplicas = 3;
const enoughInSync = 2;

/**
 * Judges whether an acknowledged record outlives a broker. An acknowledgement means that `min.insync.replicas`
 * copies have the record (none of them on the disk yet, perhaps): with one, the death of one machine can take it
 * back. Where there are brokers enough that is refused; a single broker, for a trial or a test, is told.
 * @param brokers how many brokers answer now.
 */
export function judgeCopies(topics: readonly TopicCopies[], brokers: number): CopiesVerdict {
  const frail = topics.filter(({ minInSync }) => minInSync < enoughInSync);
  if (frail.length > 0 && brokers >= enoughReplicas) {
    return {
      refusal:
        `${listed(frail)} would lose acknowledged records with one of ${brokers} brokers. Give it ${enoughReplicas} ` +
        `replicas (kafka-reassign-partitions) and min.insync.replicas=${enoughInSync} (kafka-configs).`,
    };
  }
  const few = topics.filter(
    ({ replicas, minInSync }) => replicas < enoughReplicas || minInSync < enoughInSync,
  );
  if (few.length === 0) return {};
  return {
    warning:
      `THE LOG DOES NOT OUTLIVE A BROKER: with ${brokers} of them, ${listed(few)}. What matters belongs on ` +
      `${enoughReplicas} brokers, with ${enoughReplicas} replicas and min.insync.replicas=${enoughInSync}.`,
  };
}

function listed(topics: readonly TopicCopies[]): string {
  const [first] = topics;
  if (first === undefined) return 'nothing';
  const others = topics.length === 1 ? '' : ` (and ${topics.length - 1} more)`;
  const { name, replicas, minInSync } = first;
  return `topic ${name}${others} with replication factor ${replicas} and min.insync.replicas=${minInSync}`;
}
