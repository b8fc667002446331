import { setTimeout as sleep } from 'node:timers/promises';
import { randomNumbers } from '../../projections/framework/rebuild-load.ts';
import { type Client, register } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { Bustle } from './bustle.ts';
import { Follower } from './follower.ts';
import { Onlooker } from './onlooker.ts';
import { Violations } from './violations.ts';
import type { Hands } from './ways/hands.ts';
import { type Acknowledged, Writer } from './writer.ts';

/** Who writes and who reads while processes are killed. */
const ROOMS = 4;
const WRITERS_IN_A_ROOM = 2;
const FOLLOWERS = 2;

/** Fixes what is left to chance but for the machine's own timing; every run prints its own. */
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);

/** Rooms, writers and followers over one server, and the checks that must hold for them in the end. */
export class Scene {
  readonly violations = new Violations();
  readonly seed = SEED;
  readonly random = randomNumbers(SEED);
  readonly hands: Hands;
  readonly bustle: Bustle;
  readonly #people: Client[] = [];
  readonly #rooms: string[] = [];
  readonly #writers: Writer[] = [];
  readonly #followers: Follower[] = [];
  readonly #witness: Client;

  private constructor(hands: Hands, witness: Client) {
    this.hands = hands;
    this.bustle = new Bustle(hands);
    this.#witness = witness;
  }

  /** Registers everybody and makes the rooms; nothing is killed yet. */
  static async set(
    server: { readonly url: string; readonly serverName: string },
    milena: Hands['milena'],
  ): Promise<Scene> {
    const http = new Http(server.url, 256);
    const witness = await register(http);
    const scene = new Scene({ http, serverName: server.serverName, milena }, witness);
    for (let i = 0; i < ROOMS; i++) scene.#rooms.push(await witness.createRoom({ preset: 'public_chat' }));
    for (const [i, roomId] of scene.#rooms.entries())
      for (let j = 0; j < WRITERS_IN_A_ROOM; j++) {
        const client = await scene.#member([roomId]);
        scene.#writers.push(new Writer(client, roomId, `w${i}-${j}`, scene.violations, scene.random));
      }
    for (let i = 0; i < FOLLOWERS; i++) {
      const client = await scene.#member(scene.#rooms);
      const follower = new Follower(client, scene.#rooms, scene.violations);
      await follower.begin();
      scene.#followers.push(follower);
    }
    return scene;
  }

  /** A new member of all rooms who does nothing but read. */
  async onlooker(): Promise<Onlooker> {
    const client = await this.#member(this.#rooms);
    return new Onlooker(client, this.#rooms);
  }

  /** The IDs of those who write and read here, and of their rooms. */
  get names(): readonly string[] {
    return [...[this.#witness, ...this.#people].map(({ userId }) => userId), ...this.#rooms];
  }

  async #member(rooms: readonly string[]): Promise<Client> {
    const client = await register(this.hands.http);
    for (const roomId of rooms) await client.join(roomId);
    this.#people.push(client);
    return client;
  }

  /** Everybody begins, or goes on. */
  start(): void {
    this.startWriting();
    for (const follower of this.#followers) follower.start();
  }

  /** All but the followers. */
  startWriting(): void {
    for (const one of [...this.#writers, this.bustle]) one.start();
  }

  /** Lets everything under way end. */
  async stop(): Promise<void> {
    await Promise.all([...this.#writers, this.bustle].map((one) => one.stop()));
    await Promise.all(this.#followers.map((follower) => follower.stop()));
  }

  get acknowledged(): readonly Acknowledged[] {
    return this.#writers.flatMap((writer) => writer.acknowledged);
  }

  get retries(): number {
    return this.#writers.reduce((sum, writer) => sum + writer.retries, 0);
  }

  /** Answers whose unread count was ahead of the events in them. */
  get countsAhead(): number {
    return this.#followers.reduce((sum, follower) => sum + follower.countsAhead, 0);
  }

  /** Messages acknowledged so far, by writer: to see that all of them get on. */
  progress(): readonly number[] {
    return this.#writers.map((writer) => writer.acknowledged.length);
  }

  /** Waits until every writer has got on. @returns false when one of them has not after `withinMs`. */
  async progressSince(before: readonly number[], withinMs = 60_000): Promise<boolean> {
    const end = performance.now() + withinMs;
    while (!this.progress().every((count, i) => count > (before[i] ?? 0))) {
      if (performance.now() > end) return false;
      await sleep(20);
    }
    return true;
  }

  /** All that must hold once nobody writes and every process is up again. */
  async check(): Promise<void> {
    for (const roomId of this.#rooms) await this.#checkRoom(roomId);
    for (const follower of this.#followers) {
      await follower.catchUp();
      for (const bookmark of spread(follower.bookmarks, 12)) await follower.checkBookmark(bookmark);
    }
    for (const roomId of this.#rooms) await this.#checkFollowers(roomId);
    if (this.bustle.done === 0) this.violations.add('nothing but messages was ever done to its end');
  }

  /** Every acknowledged event is in the history exactly once, and each writer's in the order of its answers. */
  async #checkRoom(roomId: string): Promise<void> {
    const history = await this.#witness.history(roomId);
    const messages = history.filter((event) => event.type === 'm.room.message');
    const expected = this.acknowledged.filter((ack) => ack.roomId === roomId).length;
    if (messages.length !== expected)
      this.violations.add(`${roomId} holds ${messages.length} messages, ${expected} were sent`);
    const places = new Map<string, number[]>();
    for (const [place, event] of messages.entries()) {
      const body = String(event.content['body']);
      places.set(body, [...(places.get(body) ?? []), place]);
    }
    for (const writer of this.#writers) {
      let last = -1;
      for (const one of writer.acknowledged.filter((ack) => ack.roomId === roomId)) {
        const at = places.get(one.body) ?? [];
        if (at.length !== 1)
          this.violations.add(`"${one.body}" was acknowledged and is there ${at.length} times`);
        const place = at[0] ?? last;
        if (messages[place]?.event_id !== one.eventId)
          this.violations.add(
            `"${one.body}" was acknowledged as ${one.eventId}, it is ${messages[place]?.event_id}`,
          );
        if (place < last) this.violations.add(`"${one.body}" stands before what was acknowledged before it`);
        last = place;
      }
    }
    const ids = history.map((event) => event.event_id);
    if (new Set(ids).size !== ids.length)
      this.violations.add(`an event is twice in the history of ${roomId}`);
  }

  /** What a follower has seen is the end of the history, all of it, in its order. */
  async #checkFollowers(roomId: string): Promise<void> {
    const history = (await this.#witness.history(roomId)).map((event) => event.event_id);
    for (const [i, follower] of this.#followers.entries()) {
      const seen = follower.events.get(roomId) ?? [];
      const expected = history.slice(history.length - seen.length);
      if (JSON.stringify(seen) !== JSON.stringify(expected))
        this.violations.add(
          `follower ${i} saw ${seen.length} events of ${roomId} with a gap or in another order`,
        );
      const known = new Set(seen);
      const missed = this.acknowledged.filter((one) => one.roomId === roomId && !known.has(one.eventId));
      if (missed.length > 0)
        this.violations.add(`follower ${i} never got ${missed.length} events of ${roomId}`);
    }
  }

  /** Ends whatever still runs. */
  [Symbol.dispose](): void {
    for (const one of [...this.#writers, ...this.#followers, this.bustle]) one.abandon();
    this.hands.http.close();
  }
}

/** So many of the items, evenly over all of them, the first and the last among them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return Array.from(
    { length: count },
    (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))],
  ).filter((item) => item !== undefined);
}
