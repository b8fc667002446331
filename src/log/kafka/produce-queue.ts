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
   * Sends a batch to the leader of its partition.
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
    const group: Waiting[] = [];
    const later: Waiting[] = [];
    const places = new Set<string>();
    let bytes = 0;
    for (const one of waiting) {
      const place = placeOf(one.part);
      bytes += one.part.batch.length;
      const fits = group.length === 0 || bytes <= maxRequestBytes;
      // Two of one partition in a request would be taken for one (a former owner's and the next one's, here).
      if (fits && later.length === 0 && !places.has(place)) group.push(one);
      else later.push(one);
      places.add(place);
    }
    this.#waiting.set(leader, later);
    return group;
  }
}

function placeOf(part: { readonly topic: string; readonly partition: number }): string {
  return `${part.topic}/${part.partition}`;
}

function settle(group: readonly Waiting[], answers: readonly ProducedPart[]): void {
  const byPlace = new Map(answers.map((answer) => [placeOf(answer), answer]));
  for (const { part, resolve, reject } of group) {
    const answer = byPlace.get(placeOf(part));
    const what = `Produce to ${part.topic}-${part.partition}`;
    if (answer === undefined) reject(new BrokerRefused(-1, what));
    else if (answer.code !== codes.none) reject(new BrokerRefused(answer.code, what));
    else resolve(answer.base);
  }
}
