import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { NewRecord } from '../port.ts';
import { ownedTopics, type TopicName } from '../topics.ts';
import { claimType, fromStored, offsetShift } from './envelope.ts';
import { fetchOne } from './fetch-one.ts';
import { patience, persist } from './lane.ts';
import type { Claimed } from './partition-writer.ts';
import { type KafkaParts, kafkaName, writeLane } from './parts.ts';
import { KafkaWriter } from './writer.ts';

/** Claims that ended in doubt are made anew: a claim record too many fences nobody who should write. */
const attempts = 4;

/**
 * Claims a slot without a transaction:
 *
 * 1. InitProducerId for the slot's transactional ID gives the same producer a higher epoch.
 * 2. A claim record in `rooms`, written with it: from then on the broker refuses lower epochs in that partition
 *    (error 47). Its offset is the claim's epoch. What an earlier owner wrote before it counts.
 * 3. Claim records in the slot's other topics do the same there.
 * 4. If no newer claim stands in `rooms` by then, none stands before ours anywhere.
 *
 * @param value the encoded `claim` record.
 * @throws MilenaError FENCED when another claim came in between; LOG_UNAVAILABLE.
 */
export async function claimSlot(parts: KafkaParts, slot: number, value: Uint8Array): Promise<KafkaWriter> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await claimOnce(parts, slot, value);
    } catch (error) {
      if (!isMilenaError(error, 'INDEFINITE')) throw error;
      if (attempt === attempts) throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause: error });
    }
  }
}

async function claimOnce(parts: KafkaParts, slot: number, value: Uint8Array): Promise<KafkaWriter> {
  const claimedAt = performance.now();
  const { producerId, producerEpoch } = await initProducer(parts, slot);
  const producer = { slot, producerId: BigInt(producerId), producerEpoch };
  const at = Date.now();
  const first = new KafkaWriter(parts, { ...producer, epoch: 0 }, claimedAt);
  const [epoch] = await first.partition('rooms').append([claimRecord('rooms', value, at)]);
  if (epoch === undefined) throw new MilenaError('INTERNAL', 'a claim has no offset');
  const claimed: Claimed = { ...producer, epoch };
  const writer = new KafkaWriter(parts, claimed, claimedAt);
  writer.partition('rooms').follow(first.partition('rooms'));
  // Each claim has a key of its own, so that compaction keeps it: it voids what stands after it for good.
  const record = claimRecord(`claim/${epoch}`, value, at);
  const offsets = new Map<TopicName, number>([['rooms', epoch]]);
  await Promise.all(
    ownedTopics.slice(1).map(async (topic) => {
      const [offset] = await writer.partition(topic).append([record]);
      offsets.set(topic, offset ?? 0);
    }),
  );
  await writer.assertNewest();
  await Promise.all(
    offsets.entries().map(async ([topic, offset]) => {
      writer.partition(topic).notBefore(await lastAtBefore(parts, topic, slot, offset - offsetShift));
    }),
  );
  return writer;
}

function claimRecord(key: string, value: Uint8Array, at: number): NewRecord {
  return { key, type: claimType, value, at };
}

async function initProducer(parts: KafkaParts, slot: number) {
  const transactionalId = `${parts.prefix}slot-${slot}`;
  const lane = writeLane(parts, slot);
  return await persist(lane, patience(30_000), () =>
    lane.coordinator(1, transactionalId, (broker) =>
      // No transaction is ever begun, so its time limit means nothing.
      broker.initProducerId({ transactionalId, transactionTimeout: 60_000 }),
    ),
  );
}

/**
 * The time of the last record before an offset, claims aside; 0 when there is none. Where compaction has
 * left a gap before the claim, it looks further back.
 */
async function lastAtBefore(
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
      const where = { topic: name, partition, offset, maxBytes: 1 << 20, gaps: true };
      const window = await fetchOne(parts.read, where);
      for (const stored of window.records) {
        if (stored.offset >= before) break;
        const record = fromStored(stored, topic, partition);
        if (record.type !== claimType) last = Math.max(last, record.at);
      }
      offset = Math.max(window.next, offset + 1);
    }
    if (last > 0 || from === 0) return last;
  }
}
