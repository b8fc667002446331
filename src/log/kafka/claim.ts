import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { NewRecord } from '../port.ts';
import { ownedTopics, type TopicName } from '../topics.ts';
import { claimType, offsetShift } from './envelope.ts';
import { patience, persist } from './lane.ts';
import { lastAtBefore } from './last-at.ts';
import { PartitionWriter } from './partition-writer.ts';
import { type KafkaParts, writeQueue } from './parts.ts';
import { KafkaWriter } from './writer.ts';

/** How long a claim is made anew: in doubt, or when another came first. */
const claimPatienceMs = 30_000;

/**
 * Claims a slot without a transaction:
 *
 * 1. InitProducerId for the slot's transactional ID gives the same producer a higher epoch.
 * 2. A claim record in `rooms`, written with it: from then on the broker refuses lower epochs in that partition
 *    (error 47). Its offset is the claim's epoch. What an earlier owner wrote before it counts.
 * 3. Claim records in the slot's other topics do the same there.
 * 4. If no newer claim stands in `rooms` by then, none stands before ours anywhere.
 *
 * A claim that fails before its record is certain is made anew: a claim record too many fences nobody who should
 * write. One that is overtaken afterwards is a writer like any other, and fenced.
 *
 * @param value the encoded `claim` record.
 * @throws MilenaError LOG_UNAVAILABLE.
 */
export async function claimSlot(parts: KafkaParts, slot: number, value: Uint8Array): Promise<KafkaWriter> {
  const deadline = performance.now() + claimPatienceMs;
  for (;;) {
    try {
      const first = await firstClaim(parts, slot, value);
      return await claimOthers(parts, first, value);
    } catch (error) {
      const again = isMilenaError(error, 'INDEFINITE') || isMilenaError(error, 'FENCED');
      if (!again) throw error;
      if (performance.now() > deadline) throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause: error });
    }
  }
}

interface FirstClaim {
  readonly writer: KafkaWriter;
  readonly epoch: number;
  readonly at: number;
}

async function firstClaim(parts: KafkaParts, slot: number, value: Uint8Array): Promise<FirstClaim> {
  const claimedAt = performance.now();
  const { producerId, producerEpoch } = await initProducer(parts, slot);
  const producer = { slot, producerId: BigInt(producerId), producerEpoch };
  const at = Date.now();
  const rooms = new PartitionWriter(parts, { ...producer, epoch: 0 }, 'rooms');
  const [epoch] = await rooms.append([claimRecord('claim', value, at)]);
  if (epoch === undefined) throw new MilenaError('INTERNAL', 'a claim has no offset');
  const writer = new KafkaWriter(parts, { ...producer, epoch }, claimedAt);
  writer.partition('rooms').follow(rooms);
  return { writer, epoch, at };
}

async function claimOthers(
  parts: KafkaParts,
  { writer, epoch, at }: FirstClaim,
  value: Uint8Array,
): Promise<KafkaWriter> {
  // Each claim has a key of its own, so that compaction keeps it: it voids what stands after it for good.
  const record = claimRecord(`claim/${epoch}`, value, at);
  try {
    const offsets = await Promise.all(
      ownedTopics.map(async (topic): Promise<readonly [TopicName, number]> => {
        if (topic === 'rooms') return [topic, epoch];
        const [offset] = await writer.partition(topic).append([record]);
        return [topic, offset ?? 0];
      }),
    );
    await writer.assertNewest();
    await Promise.all(
      offsets.map(async ([topic, offset]) => {
        const at = await lastAtBefore(parts, topic, writer.slot, offset - offsetShift);
        writer.partition(topic).setClock(at);
      }),
    );
  } catch (error) {
    if (!isMilenaError(error, 'FENCED')) throw error;
    writer.fenced(error);
  }
  return writer;
}

function claimRecord(key: string, value: Uint8Array, at: number): NewRecord {
  return { key, type: claimType, value, at };
}

async function initProducer(parts: KafkaParts, slot: number) {
  const transactionalId = `${parts.prefix}slot-${slot}`;
  const { lane } = writeQueue(parts, slot);
  return await persist(lane, patience(30_000), () =>
    lane.coordinator(1, transactionalId, (broker) =>
      // No transaction is ever begun, so its time limit means nothing.
      broker.initProducerId({ transactionalId, transactionTimeout: 60_000 }),
    ),
  );
}
