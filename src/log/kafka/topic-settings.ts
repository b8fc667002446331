import { type TopicName, topics } from '../topics.ts';

const hour = 3_600_000;

/**
 * The most bytes of keys and values in an append: 1 MiB. What is larger goes in parts (`facts.ts`); small
 * appends keep the time to the acknowledgement short for whoever waits behind them.
 */
export const maxAppendBytes = 1 << 20;

/**
 * The largest batch that the topics take: the above, and room for what very many very small records add. Managed
 * services commonly allow no more.
 */
export const maxBatchBytes = 8 << 20;

/** The topic that holds what is about the log itself (`meta.ts`). */
export const metaTopic = 'meta';

/** Which compacted topics are compacted promptly, at the price of copying their segments often. */
export interface PromptCompaction {
  readonly topics: readonly TopicName[];
  /** Milliseconds after which the next record closes a segment: only closed ones are compacted. */
  readonly segmentMs: number;
}

/** `content_keys` is tiny, and an erased key must be gone from the disk soon. */
export const usualCompaction: PromptCompaction = { topics: ['content_keys'], segmentMs: 60_000 };

/**
 * The settings that a topic is made with. They say all that matters: a broker's defaults may be anything (a week of
 * retention, for one).
 */
export function topicSettings(
  topic: TopicName | typeof metaTopic,
  replicas: number,
  prompt: PromptCompaction,
): Readonly<Record<string, string>> {
  return {
    'compression.type': 'producer',
    'max.message.bytes': String(maxBatchBytes),
    // The broker's clock decides about segments and retention; the record's own time is in its header.
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': replicas >= 3 ? '2' : '1',
    'unclean.leader.election.enable': 'false',
    ...kept(topic, prompt),
  };
}

function kept(
  topic: TopicName | typeof metaTopic,
  prompt: PromptCompaction,
): Readonly<Record<string, string>> {
  if (topic !== metaTopic && prompt.topics.includes(topic)) return promptly(prompt.segmentMs);
  switch (topic === metaTopic ? 'compacted' : topics[topic].kept) {
    case 'compacted':
      return {
        'cleanup.policy': 'compact',
        'retention.ms': '-1',
        'retention.bytes': '-1',
        'segment.ms': String(24 * hour),
        'max.compaction.lag.ms': String(24 * hour),
      };
    case 'hours':
      return {
        'cleanup.policy': 'delete',
        'retention.ms': String(4 * hour),
        'retention.bytes': '-1',
        'segment.ms': String(hour),
      };
    default:
      return { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };
  }
}

/** No waiting for half of the topic to be stale. */
function promptly(segmentMs: number): Readonly<Record<string, string>> {
  return {
    'cleanup.policy': 'compact',
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'segment.ms': String(segmentMs),
    'min.cleanable.dirty.ratio': '0.0',
    // Cleaned segments are renamed, and removed after this.
    'file.delete.delay.ms': '1000',
  };
}

/** What must hold of a topic that exists, for what is on it not to be lost. */
export function unsafeSettings(
  topic: TopicName | typeof metaTopic,
  found: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const want = topicSettings(topic, 1, usualCompaction);
  const names = [
    'cleanup.policy',
    ...(want['retention.ms'] === '-1' ? ['retention.ms', 'retention.bytes'] : []),
  ];
  const wrong = names.filter((name) => found[name] !== undefined && found[name] !== want[name]);
  if (found['unclean.leader.election.enable'] === 'true') wrong.push('unclean.leader.election.enable');
  if (Number(found['max.message.bytes'] ?? maxBatchBytes) < maxBatchBytes) wrong.push('max.message.bytes');
  return wrong.map((name) => `${name}=${found[name]}`);
}
