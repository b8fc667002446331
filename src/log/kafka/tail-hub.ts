import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../topics.ts';
import { toRecords } from './envelope.ts';
import { decodePart, type FetchedPart, type FetchPart, fetchRequest } from './fetch.ts';
import { codes } from './kafka-error.ts';
import { type KafkaParts, kafkaName } from './parts.ts';
import { Subscription } from './subscription.ts';

/**
 * How long a broker holds a long poll when nothing comes. A partition that is subscribed to while a poll is
 * under way joins with the next, so this bounds how late its first record can be.
 */
const maxWaitMs = 200;
const pollBytes = 4 << 20;

/**
 * The ends of all partitions that this process tails, followed with one long poll to each broker (a fetch
 * session: the broker remembers the partitions, and only what changes goes over the wire). Each record is fetched and
 * decoded once, however many readers there are.
 */
export class TailHub {
  readonly #parts: KafkaParts;
  readonly #polls = new Map<number, BrokerPoll>();

  constructor(parts: KafkaParts) {
    this.#parts = parts;
  }

  /**
   * Follows a partition from a position on (Kafka's own offset).
   * @returns undefined when the hub is ahead of that position.
   */
  async subscribe(topic: TopicName, partition: number, from: number): Promise<Subscription | undefined> {
    const leader = await this.#parts.tail.leader(kafkaName(this.#parts, topic), partition).catch(() => -1);
    let poll = this.#polls.get(leader);
    if (poll === undefined || poll.ended) {
      poll = new BrokerPoll(this.#parts, leader);
      this.#polls.set(leader, poll);
    }
    return poll.subscribe(topic, partition, from);
  }
}

interface Followed {
  readonly topic: TopicName;
  readonly partition: number;
  readonly name: string;
  /** Where the next fetch goes on, at Kafka's own offset. */
  next: number;
  readonly subscriptions: Set<Subscription>;
}

/** The long poll to one broker. It runs while anybody follows anything, and ends at the first error. */
class BrokerPoll {
  readonly #parts: KafkaParts;
  readonly #broker: number;
  readonly #followed = new Map<string, Followed>();
  #session = { id: 0, epoch: 0 };
  /** What the broker does not know yet: new or moved positions, and partitions that nobody follows now. */
  #changed = new Set<Followed>();
  #dropped: Followed[] = [];
  #running = false;
  ended = false;

  constructor(parts: KafkaParts, broker: number) {
    this.#parts = parts;
    this.#broker = broker;
  }

  subscribe(topic: TopicName, partition: number, from: number): Subscription | undefined {
    const name = kafkaName(this.#parts, topic);
    const key = `${name}-${partition}`;
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      followed = { topic, partition, name, next: from, subscriptions: new Set() };
      this.#followed.set(key, followed);
      this.#changed.add(followed);
      // In a session, dropping and adding a partition in one request would end up dropped.
      this.#dropped = this.#dropped.filter((one) => one.name !== name || one.partition !== partition);
    } else if (followed.next > from) {
      return undefined;
    }
    const { subscriptions } = followed;
    const subscription = new Subscription(from, () => subscriptions.delete(subscription));
    subscriptions.add(subscription);
    if (!this.#running) void this.#run();
    return subscription;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#anyFollowed() && !this.#parts.closed.aborted) await this.#poll();
    } catch {
      // An election or a lost connection, mostly. The readers fetch for themselves meanwhile, and come back.
      await sleep(50);
      await this.#parts.tail.refresh();
    } finally {
      this.ended = true;
      for (const followed of this.#followed.values()) {
        for (const subscription of followed.subscriptions) subscription.lose();
      }
    }
  }

  #anyFollowed(): boolean {
    for (const [key, followed] of this.#followed) {
      if (followed.subscriptions.size > 0) continue;
      this.#followed.delete(key);
      this.#changed.delete(followed);
      this.#dropped.push(followed);
    }
    return this.#followed.size > 0;
  }

  async #poll(): Promise<void> {
    const whole = this.#session.epoch === 0;
    const asked = whole ? [...this.#followed.values()] : [...this.#changed];
    const forgotten = whole ? [] : this.#dropped.map(({ name, partition }) => ({ topic: name, partition }));
    this.#changed = new Set();
    this.#dropped = [];
    const request = fetchRequest({
      parts: asked.map((one): FetchPart => ({ topic: one.name, partition: one.partition, offset: one.next })),
      forgotten,
      session: this.#session,
      maxWaitMs,
      maxBytes: pollBytes,
    });
    const { code, sessionId, parts } = await this.#parts.tail.to(this.#broker, request);
    if (code === codes.fetchSessionNotFound || code === codes.invalidFetchSessionEpoch) {
      this.#session = { id: 0, epoch: 0 };
      return;
    }
    if (code !== codes.none) throw new Error(`the broker answered a poll with error ${code}`);
    // A broker without room for the session gives 0: then every poll names everything.
    this.#session = { id: sessionId, epoch: sessionId === 0 ? 0 : this.#session.epoch + 1 };
    for (const part of parts) this.#deliver(part);
  }

  #deliver(part: FetchedPart): void {
    const followed = this.#followed.get(`${part.topic}-${part.partition}`);
    if (followed === undefined) return;
    if (part.code !== codes.none) throw new Error(`${part.topic}-${part.partition}: error ${part.code}`);
    const { records, next } = decodePart(part, followed.next);
    if (next === followed.next) return;
    followed.next = next;
    this.#changed.add(followed);
    const piece = toRecords(records, followed.topic, followed.partition);
    for (const subscription of followed.subscriptions) subscription.push(piece, next);
  }
}
