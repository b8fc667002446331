import type { TopicName } from '../../src/log/topics.ts';
import { topicNames } from '../../src/log/topics.ts';
import type { Positions } from './positions.ts';
import type { Signals } from './signals.ts';

/** Moves gather so long before they are told, but for the first after a silence. */
const GATHER_MS = 5;

/** NOTIFY takes at most 8,000 bytes. */
const MOST_BYTES = 7_000;

/** Tells other processes how far the models of this one have got. */
export class Announcer {
  readonly #signals: Signals;
  readonly #unlisten: () => void;
  #moved = new Map<string, number>();
  #telling = false;
  #hearing = false;

  /** @param tells false: it hears others and tells nothing. */
  constructor(signals: Signals, positions: Positions, tells: boolean) {
    this.#signals = signals;
    this.#unlisten = positions.listen((model, topic, partition, next) => {
      if (this.#hearing || !tells) return; // What another process told needs no telling.
      this.#moved.set(`${model}/${topic}/${partition}`, next);
      if (!this.#telling) void this.#tell();
    });
  }

  /** Takes in what another process told. */
  hear(payload: string, positions: Positions): void {
    this.#hearing = true;
    try {
      for (const { model, topic, partition, next } of parsePositions(payload)) {
        positions.moved(model, topic, partition, next);
      }
    } finally {
      this.#hearing = false;
    }
  }

  /** Tells nothing more. */
  close(): void {
    this.#unlisten();
  }

  async #tell(): Promise<void> {
    this.#telling = true;
    while (this.#moved.size > 0) {
      const moved = this.#moved;
      this.#moved = new Map();
      for (const payload of payloads(moved)) {
        // A lost announcement is made good by the next, or when the other process connects anew.
        await this.#signals.tell('positions', payload).catch(() => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    }
    this.#telling = false;
  }
}

function payloads(moved: ReadonlyMap<string, number>): readonly string[] {
  const made: string[] = [];
  let payload = '';
  for (const [place, next] of moved) {
    const part = `${place}/${next}`;
    if (payload.length + part.length + 1 > MOST_BYTES) {
      made.push(payload);
      payload = '';
    }
    payload += payload === '' ? part : `,${part}`;
  }
  return [...made, payload];
}

interface ToldPosition {
  readonly model: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly next: number;
}

function* parsePositions(payload: string): Iterable<ToldPosition> {
  for (const part of payload.split(',')) {
    const [model, topic, partition, next] = part.split('/');
    const known = topicNames.find((name) => name === topic);
    if (model === undefined || known === undefined || partition === undefined) continue;
    yield { model, topic: known, partition: Number(partition), next: Number(next) };
  }
}
