import { setTimeout as sleep } from 'node:timers/promises';
import { MilenaError } from '../../errors/milena-error.ts';
import type { LogRecord } from '../port.ts';
import { type TopicName, topics } from '../topics.ts';
import { voidFilter } from '../void-filter.ts';
import { fromStored, isChunkKey, offsetShift, rollType, toRaw } from './envelope.ts';
import { fetchOne } from './fetch-one.ts';
import { type KafkaParts, kafkaName } from './parts.ts';
import { endOf } from './positions.ts';
import { produceAny } from './publisher.ts';
import { encodeBatch, noProducer, type RawRecord } from './record-batch.ts';

/** How long to wait for the broker's cleaner before giving up. */
const patienceMs = 300_000;

/**
 * Has Kafka drop what later records of the same key have replaced, and waits until it has.
 *
 * Kafka compacts closed segments only, whenever its cleaner comes by (`log.cleaner.backoff.ms`, 15 s), and closes a
 * segment when a record comes after `segment.ms`. So a record is written that no reader sees, again and again,
 * until the last replaced record is no longer read. For `content_keys` this takes about a minute and the
 * cleaner's pause. The other compacted topics are large and Kafka compacts them once a day, so there this
 * ends with an error unless they are among those that are compacted promptly.
 *
 * @throws MilenaError LOG_UNAVAILABLE when the broker has not done so within five minutes; it still will.
 */
export async function compactPartition(
  parts: KafkaParts,
  topic: TopicName,
  partition: number,
): Promise<void> {
  if (topics[topic].kept !== 'compacted') throw new MilenaError('INTERNAL', `${topic} is not compacted`);
  const name = kafkaName(parts, topic);
  const { last, chunks } = await replaced(parts, topic, partition);
  if (last === undefined) return;
  await writeUnseen(parts, name, partition, chunks);
  const deadline = performance.now() + patienceMs;
  for (let pause = 200; performance.now() < deadline; pause = Math.min(pause * 1.5, 5_000)) {
    await writeUnseen(parts, name, partition, [Buffer.from(rollType)]);
    await sleep(pause, undefined, { signal: parts.closed });
    if (await isGone(parts, name, partition, last)) return;
  }
  throw new MilenaError('LOG_UNAVAILABLE', `${name}-${partition} is not compacted yet.`);
}

/** What is on the partition and no longer needed. */
interface Replaced {
  /** Kafka's offset of the last such record. */
  readonly last: number | undefined;
  /** Kafka's keys of such chunks: nothing else replaces them, so a tombstone has to. */
  readonly chunks: readonly Uint8Array[];
}

async function replaced(parts: KafkaParts, topic: TopicName, partition: number): Promise<Replaced> {
  const name = kafkaName(parts, topic);
  const end = await endOf(parts.read, name, partition);
  const filter = voidFilter({ offset: 0, epoch: 0 });
  const newest = new Map<string, number>();
  const chunks = new Map<number, Uint8Array>();
  const facts = new CurrentFacts();
  let last: number | undefined;
  for (let offset = 0; offset < end; ) {
    const where = { topic: name, partition, offset, maxBytes: 4 << 20, gaps: true };
    const window = await fetchOne(parts.read, where);
    for (const stored of window.records) {
      const key = stored.key.toString('latin1');
      const before = newest.get(key);
      newest.set(key, stored.offset);
      if (before !== undefined && key !== rollType) last = Math.max(last ?? 0, before);
      if (before !== undefined) chunks.delete(before);
      const record = fromStored(stored, topic, partition);
      if (record.type === rollType) continue;
      if (isChunkKey(topic, record.part)) chunks.set(stored.offset, stored.key);
      facts.take(filter.take([record]).records);
    }
    offset = window.next;
  }
  const needed = facts.chunks();
  const stale = [...chunks].filter(([at]) => at + offsetShift < filter.next.offset && !needed.has(at));
  for (const [at] of stale) last = Math.max(last ?? 0, at);
  return { last, chunks: stale.map(([, key]) => key) };
}

/** Keeps book of the chunks of each key's newest valid fact. */
class CurrentFacts {
  readonly #chunks = new Map<string, readonly number[]>();
  #open: number[] = [];

  take(valid: readonly LogRecord[]): void {
    for (const { key, part, offset } of valid) {
      if (part === 'chunk') {
        this.#open.push(offset - offsetShift);
      } else {
        this.#chunks.set(key, this.#open);
        this.#open = [];
      }
    }
  }

  /** Kafka's offsets of all chunks that are still needed. */
  chunks(): ReadonlySet<number> {
    return new Set([...this.#chunks.values()].flat());
  }
}

/** Writes tombstones that no reader sees: beside the owner, whose sequence and epoch they do not touch. */
async function writeUnseen(
  parts: KafkaParts,
  topic: string,
  partition: number,
  keys: readonly Uint8Array[],
): Promise<void> {
  if (keys.length === 0) return;
  const at = Date.now();
  const records = keys.map(
    (key): RawRecord => toRaw({ key: '', type: rollType, at, value: null }, 0, at, key),
  );
  await produceAny(parts, topic, partition, encodeBatch(records, noProducer));
}

/** The cleaner goes through the segments in order, so when the last replaced record is gone, all are. */
async function isGone(parts: KafkaParts, topic: string, partition: number, offset: number): Promise<boolean> {
  const window = await fetchOne(parts.read, { topic, partition, offset, maxBytes: 1, gaps: true });
  return window.records[0]?.offset !== offset;
}
