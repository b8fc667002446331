import { type Lane, patience, persist } from './lane.ts';

/** Which of Kafka's special positions is asked for. */
export const positions = { end: -1, start: -2 } as const;

/**
 * Asks where partitions end (the high watermark) or start, at Kafka's own offsets, with one request to each
 * broker that leads some of them.
 * @throws MilenaError LOG_UNAVAILABLE
 */
export async function positionsOf(
  lane: Lane,
  topic: string,
  partitions: readonly number[],
  which: keyof typeof positions,
  patienceMs = 10_000,
): Promise<readonly number[]> {
  return await persist(lane, patience(patienceMs), async () => {
    const leaders = await Promise.all(partitions.map((partition) => lane.leader(topic, partition)));
    const found = new Map<number, number>();
    const byLeader = Map.groupBy(partitions.keys(), (index) => leaders[index] ?? -1);
    await Promise.all(
      byLeader.entries().map(async ([leader, indexes]) => {
        const asked = indexes.flatMap((index) => partitions[index] ?? []);
        const reply = await lane.call(leader, (broker) =>
          broker.listOffsets({
            replicaId: -1,
            isolationLevel: 0,
            topics: [
              { topic, partitions: asked.map((partition) => ({ partition, timestamp: positions[which] })) },
            ],
          }),
        );
        for (const one of reply.responses.flatMap((response) => response.partitions)) {
          found.set(one.partition, Number(one.offset));
        }
      }),
    );
    return partitions.map((partition) => found.get(partition) ?? 0);
  });
}

/** Where one partition ends. @throws MilenaError LOG_UNAVAILABLE */
export async function endOf(lane: Lane, topic: string, partition: number): Promise<number> {
  const [end] = await positionsOf(lane, topic, [partition], 'end');
  return end ?? 0;
}
