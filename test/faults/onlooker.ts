import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, path, V3 } from '../support/client.ts';
import { NotAsSpecified } from '../support/spec/check-answer.ts';

/**
 * Reads in every way, on and on, and notes only what became of it: from forged rows the answers may well be wrong,
 * errors too, but they must come.
 */
export class Onlooker {
  /** Answers by status, `none`, or `forged` where what came is not even of the right form. */
  #answers = new Map<number | 'none' | 'forged', number>();
  readonly #client: Client;
  readonly #rooms: readonly string[];
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(client: Client, rooms: readonly string[]) {
    this.#client = client;
    this.#rooms = rooms;
  }

  start(): void {
    this.#stopping = false;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** The answers since the last call, by status. */
  take(): ReadonlyMap<number | 'none' | 'forged', number> {
    const taken = this.#answers;
    this.#answers = new Map();
    return taken;
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#stopping; i++) {
      const roomId = this.#rooms[i % this.#rooms.length] ?? '';
      for (const where of [
        `${V3}/sync?timeout=0`,
        `${path('rooms', roomId, 'messages')}?dir=b&limit=50`,
        path('rooms', roomId, 'state'),
        path('rooms', roomId, 'joined_members'),
        path('profile', this.#client.userId),
        path('publicRooms'),
      ]) {
        const status = await this.#client.ask('GET', where).then(
          (answer) => answer.status,
          (error: unknown) => (error instanceof NotAsSpecified ? 'forged' : 'none'),
        );
        this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
      }
      await sleep(20);
    }
  }
}
