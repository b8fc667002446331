import type { TopicName } from '../topics.ts';
import { claimType, fromStored, rollType } from './envelope.ts';
import { fetchOne } from './fetch-one.ts';
import { hasGaps, type KafkaParts, kafkaName } from './parts.ts';

/**
 * The time of the last record before an offset, what no reader sees aside; 0 when there is none. Where compaction has
 * left a gap before the claim, it looks further back.
 */
export async function lastAtBefore(
  parts: KafkaParts,
  topic: TopicName,
  partition: number,
  before: number,
): Promise<number> {
  const name = kafkaName(parts, topic);
  for (let back = 1; ; back *= 64) {
    const from = Math.max(0, before - back);
    let last = 0;
    for (let offset = from; offset < before; ) {
      const where = { topic: name, partition, offset, maxBytes: 1 << 20, gaps: hasGaps(topic) };
      const window = await fetchOne(parts.read, where);
      for (const stored of window.records) {
        if (stored.offset >= before) break;
        const record = fromStored(stored, topic, partition);
        if (record.type !== claimType && record.type !== rollType) last = Math.max(last, record.at);
      }
      offset = Math.max(window.next, offset + 1);
    }
    if (last > 0 || from === 0) return last;
  }
}
