import { BrokerRefused, codes } from './kafka-error.ts';
import type { Lane } from './lane.ts';
import { type ProducedPart, type ProducePart, produceRequest } from './produce.ts';

/** How long a broker waits for its replicas before it answers that it does not know (code 7). */
export const produceTimeoutMs = 4_000;

/** A request is closed at this size, and then holds at least one batch. */
const maxRequestBytes = 4 << 20;

interface Waiting {
  readonly part: ProducePart;
  readonly resolve: (base: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends batches of many partitions over one lane: one request to each broker is in flight, and takes along all that
 * has come meanwhile. A broker answers a connection's requests in turn, so more in flight would only wait there;
 * and a request costs kafkajs and the broker more than the batches in it.
 */
export class ProduceQueue {
  readonly lane: Lane;
  readonly #waiting = new Map<number, Waiting[]>();
  readonly #busy = new Set<number>();

  constructor(lane: Lane) {
    this.lane = lane;
  }

  /**
   * Sends a batch to the leader of its partition. No two batches of one partition may be under way.
   * @returns Kafka's offset of the batch's first record.
   * @throws NotSent, NotAnswered, BrokerRefused.
   */
  async send(part: ProducePart): Promise<number> {
    const leader = await this.lane.leader(part.topic, part.partition);
    return await new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(leader);
      if (waiting === undefined) this.#waiting.set(leader, [{ part, resolve, reject }]);
      else waiting.push({ part, resolve, reject });
      if (!this.#busy.has(leader)) void this.#run(leader);
    });
  }

  async #run(leader: number): Promise<void> {
    this.#busy.add(leader);
    for (let group = this.#take(leader); group.length > 0; group = this.#take(leader)) {
      try {
        const request = produceRequest(
          group.map(({ part }) => part),
          produceTimeoutMs,
        );
        settle(group, await this.lane.to(leader, request));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#busy.delete(leader);
  }

  #take(leader: number): readonly Waiting[] {
    const waiting = this.#waiting.get(leader) ?? [];
    let bytes = 0;
    let count = 0;
    for (const { part } of waiting) {
      bytes += part.batch.length;
      if (count > 0 && bytes > maxRequestBytes) break;
      count++;
    }
    return waiting.splice(0, count);
  }
}

function settle(group: readonly Waiting[], answers: readonly ProducedPart[]): void {
  const byPlace = new Map(answers.map((answer) => [`${answer.topic}/${answer.partition}`, answer]));
  for (const { part, resolve, reject } of group) {
    const answer = byPlace.get(`${part.topic}/${part.partition}`);
    const what = `Produce to ${part.topic}-${part.partition}`;
    if (answer === undefined) reject(new BrokerRefused(-1, what));
    else if (answer.code !== codes.none) reject(new BrokerRefused(answer.code, what));
    else resolve(answer.base);
  }
}
