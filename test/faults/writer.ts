import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isObject, path } from '../support/client.ts';
import type { Violations } from './violations.ts';

/** A message that the server has acknowledged. */
export interface Acknowledged {
  readonly writer: string;
  readonly roomId: string;
  readonly body: string;
  readonly eventId: string;
  readonly txnId: string;
}

/** A request that hangs longer than this is given up and sent again with the same transaction ID. */
const PATIENCE = 8_000;

/**
 * One device that sends numbered messages into one room, each until it is acknowledged, with one transaction ID
 * for all tries. Now and then it repeats an old acknowledged command, which must give the old event.
 */
export class Writer {
  readonly acknowledged: Acknowledged[] = [];
  readonly #client: Client;
  readonly #roomId: string;
  readonly #name: string;
  readonly #violations: Violations;
  readonly #random: () => number;
  #stopping = false;
  #abandoned = false;
  #done: Promise<void> = Promise.resolve();
  retries = 0;

  constructor(client: Client, roomId: string, name: string, violations: Violations, random: () => number) {
    this.#client = client;
    this.#roomId = roomId;
    this.#name = name;
    this.#violations = violations;
    this.#random = random;
  }

  start(): void {
    this.#stopping = false;
    this.#done = this.#run();
  }

  /** Lets the message under way be acknowledged, then ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** Gives up what is not acknowledged yet: the trial has failed. */
  abandon(): void {
    this.#stopping = true;
    this.#abandoned = true;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const number = this.acknowledged.length;
      const body = `${this.#name} ${number}`;
      const txnId = `${this.#name}.${number}`;
      const eventId = await this.#untilAcknowledged(body, txnId);
      if (eventId === undefined) return;
      this.acknowledged.push({ writer: this.#name, roomId: this.#roomId, body, eventId, txnId });
      if (number % 7 === 6) await this.#repeat();
    }
  }

  /** Sends an old command again: any time later, after kills too, it is the same event. */
  async #repeat(): Promise<void> {
    const old = this.acknowledged[Math.floor(this.#random() * this.acknowledged.length)];
    if (old === undefined) return;
    const eventId = await this.#untilAcknowledged(old.body, old.txnId);
    if (eventId !== undefined && eventId !== old.eventId)
      this.#violations.add(
        `a command ran twice: ${old.txnId} was ${old.eventId}, repeated it is ${eventId} (CS API, Transaction identifiers)`,
      );
  }

  async #untilAcknowledged(body: string, txnId: string): Promise<string | undefined> {
    const where = path('rooms', this.#roomId, 'send', 'm.room.message', txnId);
    while (!this.#abandoned) {
      const answer = await this.#client
        .ask('PUT', where, { json: { msgtype: 'm.text', body }, timeout: PATIENCE })
        .catch(() => undefined);
      if (answer?.status === 200 && isObject(answer.json)) return String(answer.json['event_id']);
      if (answer !== undefined && answer.status < 500)
        this.#violations.add(
          `a send was refused in the middle of faults: ${answer.status} ${answer.text.slice(0, 200)}`,
        );
      this.retries += 1;
      await sleep(50);
    }
    return undefined;
  }
}
