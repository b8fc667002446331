import { setTimeout as sleep } from 'node:timers/promises';
import { ways } from './record-ways.ts';
import type { Hands } from './ways/hands.ts';

/**
 * Does all that people do through the API (`record-ways.ts`), over and over, while processes die and come back:
 * whatever is cut off in the middle is left as it is. What it leaves must still be the same in every build of a
 * read model.
 */
export class Bustle {
  /** Ways that were gone to their end, and ways that were cut off. */
  done = 0;
  cutOff = 0;
  readonly #hands: Hands;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  start(): void {
    this.#stopping = false;
    this.#running = this.#run();
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#running;
  }

  /** Ends after what is under way. */
  abandon(): void {
    this.#stopping = true;
  }

  async #run(): Promise<void> {
    const repeatable = ways.filter((way) => way.once !== true);
    for (let i = 0; !this.#stopping; i++) {
      const way = repeatable[i % repeatable.length];
      const ended = await way?.act?.(this.#hands).then(
        () => true,
        () => false,
      );
      if (ended === true) this.done += 1;
      else if (ended === false) this.cutOff += 1;
      await sleep(ended === false ? 200 : 20);
    }
  }
}

/** Starts the server anew with some settings on top of its own. */
type Restart = (settings: Readonly<Record<string, string>>) => Promise<void>;

/** Goes every way once, to its end: what each causes is on the log then. @throws Error naming the way that failed. */
export async function everyWay(hands: Hands, restart: Restart): Promise<void> {
  for (const { what, act, settings } of ways) {
    if (settings !== undefined) await restart(settings);
    await act?.(hands).catch((cause: unknown) => {
      throw new Error(`"${what}" did not succeed: ${String(cause)}`, { cause });
    });
    if (settings !== undefined) await restart({});
  }
}
