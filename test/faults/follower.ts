import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type ClientEvent, Refused, type SyncAnswer } from '../support/client.ts';
import { NotAsSpecified } from '../support/spec/check-answer.ts';
import { Violations } from './violations.ts';

/** A token, and how much of each room had been seen with it. */
export interface Bookmark {
  readonly since: string;
  /** Events seen, by room. */
  readonly seen: ReadonlyMap<string, number>;
}

/**
 * One device that never writes and syncs on and on, as a client does: it fills gaps from `prev_batch`, and goes on
 * from its last token after every failure. It notes every timeline event, and checks that none comes twice and
 * that none comes before its unread count.
 */
export class Follower {
  /** Event IDs of each room in the order in which they came. */
  readonly events = new Map<string, string[]>();
  readonly bookmarks: Bookmark[] = [];
  /** Answers whose count knew of messages that came only later: harmless, but no position's count. */
  countsAhead = 0;
  readonly #client: Client;
  readonly #rooms: ReadonlySet<string>;
  readonly #violations: Violations;
  readonly #known = new Set<string>();
  readonly #messages = new Map<string, number>();
  #since: string | undefined;
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(client: Client, rooms: readonly string[], violations: Violations) {
    this.#client = client;
    this.#rooms = new Set(rooms);
    this.#violations = violations;
  }

  /** Takes the present as its beginning: what comes from now on is noted. */
  async begin(): Promise<void> {
    this.#since = (await this.#client.sync()).next_batch;
    this.#bookmark(this.#since);
  }

  start(): void {
    this.#stopping = false;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.abandon();
    await this.#done;
  }

  /** Ends after the sync under way. */
  abandon(): void {
    this.#stopping = true;
  }

  /** Syncs on until a sync brings nothing. For the end, when nobody writes. */
  async catchUp(): Promise<void> {
    for (;;) {
      const before = this.#known.size;
      await this.#once(0);
      if (this.#known.size === before) return;
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopping) await this.#once(1000);
  }

  async #once(timeout: number): Promise<void> {
    const since = this.#since;
    const answer = await this.#client.sync({ since, timeout }).catch((error: unknown) => this.#failed(error));
    if (answer === undefined) {
      await sleep(100);
      return;
    }
    // Nothing is noted until all of it is there: a failure in between repeats the whole step.
    const news = await this.#newsOf(answer, since).catch((error: unknown) => this.#failed(error));
    if (news === undefined) return;
    for (const [roomId, events] of news) this.#note(roomId, events, answer);
    this.#since = answer.next_batch;
    if (news.size > 0) this.#bookmark(answer.next_batch);
  }

  /** A server that dies answers nothing or 5xx; that it refuses what it gave out itself is no fault to sit out. */
  #failed(error: unknown): undefined {
    if ((error instanceof Refused && error.answer.status < 500) || error instanceof NotAsSpecified)
      this.#violations.add(
        `${this.#client.userId} was refused, or told nonsense, in the middle of faults: ${error.message}`,
      );
  }

  /** The events of each room, gaps filled. */
  async #newsOf(
    answer: SyncAnswer,
    since: string | undefined,
  ): Promise<ReadonlyMap<string, readonly ClientEvent[]>> {
    const news = new Map<string, readonly ClientEvent[]>();
    for (const [roomId, room] of Object.entries(answer.rooms?.join ?? {})) {
      const timeline = room.timeline;
      if (!this.#rooms.has(roomId) || timeline === undefined || timeline.events.length === 0) continue;
      const gap =
        timeline.limited === true ? await this.#fill(roomId, timeline.prev_batch ?? '', since ?? '') : [];
      news.set(roomId, [...gap, ...timeline.events]);
    }
    return news;
  }

  async #fill(roomId: string, from: string, to: string): Promise<readonly ClientEvent[]> {
    const pages: (readonly ClientEvent[])[] = [];
    for (let token: string | undefined = from; token !== undefined; ) {
      const page = await this.#client.messages(roomId, { dir: 'b', from: token, to, limit: '200' });
      pages.push(page.chunk);
      token = page.chunk.length === 0 ? undefined : page.end;
    }
    return pages.flat().reverse();
  }

  #note(roomId: string, events: readonly ClientEvent[], answer: SyncAnswer): void {
    const list = this.events.get(roomId) ?? [];
    this.events.set(roomId, list);
    let messages = this.#messages.get(roomId) ?? 0;
    for (const event of events) {
      if (this.#known.has(event.event_id))
        this.#violations.add(
          `${event.event_id} came twice down /sync of ${this.#client.userId} (CS API, Syncing)`,
        );
      this.#known.add(event.event_id);
      list.push(event.event_id);
      if (event.type === 'm.room.message') messages += 1;
    }
    this.#messages.set(roomId, messages);
    const count = answer.rooms?.join?.[roomId]?.unread_notifications?.notification_count;
    if (count === undefined || count < messages)
      this.#violations.add(
        `${messages} messages of ${roomId} have come, the count beside them is ${count} ` +
          '(CS API, Push notifications: the count MUST appear in the same /sync response as the event)',
      );
    else if (count > messages) this.countsAhead += 1;
  }

  #bookmark(since: string): void {
    this.bookmarks.push({
      since,
      seen: new Map([...this.events].map(([roomId, events]) => [roomId, events.length])),
    });
  }

  /**
   * Goes on from an old token with a client of its own: what comes must be what the follower has noted after it,
   * without gap or repeat.
   */
  async checkBookmark(bookmark: Bookmark): Promise<void> {
    const other = new Follower(this.#client, [...this.#rooms], new Violations());
    other.#since = bookmark.since;
    await other.catchUp();
    for (const [roomId, events] of this.events) {
      const expected = events.slice(bookmark.seen.get(roomId) ?? 0);
      const got = other.events.get(roomId) ?? [];
      if (JSON.stringify(got) !== JSON.stringify(expected))
        this.#violations.add(
          `an old token of ${this.#client.userId} gives ${got.length} events of ${roomId}, ` +
            `${expected.length} came since it was given, first difference at ${firstDifference(got, expected)}`,
        );
    }
  }
}

function firstDifference(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? Math.min(a.length, b.length) : at;
}
