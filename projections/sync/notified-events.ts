import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { defaultPushRules } from '../../src/matrix/push-rule-defaults.ts';
import { decidingRule, outcomeOf, type PushAction, type PushRuleset } from '../../src/matrix/push-rules.ts';
import { ignoredUsers } from '../accounts/ignored-users.ts';
import type { ModelDatabase } from '../framework/active-schemas.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import { readDisplayNames } from './display-names.ts';
import { type LevelsAt, readLevels } from './level-queries.ts';
import { CANDIDATES, type Candidate, HEADS, type Head } from './notified-sql.ts';
import type { SyncReads } from './sync-reads.ts';
import { isIgnored, planIn, pushEvent } from './user-rules.ts';

/** An event that the user's rules notify of. */
export interface NotifiedEvent {
  readonly room_id: RoomId;
  readonly event_id: EventId;
  /** Of the rule that matched. */
  readonly actions: readonly PushAction[];
  readonly read: boolean;
  /** Milliseconds since the epoch. */
  readonly ts: number;
}

/** How far somebody has paged: down to `before` in some rooms, in all others to events not newer than `ts`. */
export interface NotificationCursor {
  readonly ts: number;
  /** By the room's number. */
  readonly before: ReadonlyMap<number, number>;
}

/** A page of them, asked for. */
export interface NotificationsQuery {
  readonly userId: UserId;
  readonly from?: NotificationCursor | undefined;
  readonly limit: number;
  readonly onlyHighlights: boolean;
}

/** A page, the newest first. */
export interface NotificationsPage {
  readonly events: readonly NotifiedEvent[];
  /** Where to go on; undefined when there is nothing more. */
  readonly next?: NotificationCursor;
}

/** Rooms whose events are read at a time. */
const ROOMS_AT_ONCE = 8;
/** Places of each that are read at a time. */
const CHUNK = 50;
/** Events that one page looks at; then it says where to go on, full or not. */
const MOST_LOOKED_AT = 4_000;

/** One room while a page is made. */
interface Feed {
  readonly head: Head;
  readonly silent: boolean;
  /** Events at lower places come next. */
  before: number;
  /** The newest that can come next: events go down in a room, whatever their times say. */
  ts: number;
  buffer: Candidate[];
  exhausted: boolean;
}

/**
 * What a user was notified of (spec: client-server API, "Listing Notifications"), worked out when it is asked for:
 * the newest events of all rooms where the user is, put to the rules one by one. Nothing is written for it.
 */
export async function readNotifications(
  db: ModelDatabase,
  reads: Pick<SyncReads, 'pushRules' | 'states'>,
  query: NotificationsQuery,
): Promise<NotificationsPage> {
  const { userId, from } = query;
  const [rules, ignored, heads] = await Promise.all([
    reads.pushRules(userId),
    ignoredUsers(db, userId),
    db.query<Head>(HEADS, [
      userId,
      int8Column([...(from?.before.keys() ?? [])]),
      int8Column([...(from?.before.values() ?? [])]),
      from?.ts ?? Number.MAX_SAFE_INTEGER,
    ]),
  ]);
  const feeds = heads.map((head) => ({
    head,
    silent: planIn(rules, userId, head.room_id).silent,
    before: head.place + 1,
    ts: Math.min(head.ts, from?.ts ?? head.ts),
    buffer: [],
    exhausted: false,
  }));
  const judge = new Judge(db, reads, userId, rules.rules ?? defaultPushRules(userId), new Set(ignored));
  return merge(
    judge,
    feeds.filter(({ silent }) => !silent),
    query,
  );
}

async function merge(judge: Judge, feeds: Feed[], query: NotificationsQuery): Promise<NotificationsPage> {
  const events: NotifiedEvent[] = [];
  const taken = new Map(query.from?.before ?? []);
  let ts = query.from?.ts ?? Number.MAX_SAFE_INTEGER;
  for (let looked = 0; looked < MOST_LOOKED_AT && events.length < query.limit; ) {
    const open = feeds.filter((feed) => !feed.exhausted).sort((one, other) => other.ts - one.ts);
    const [newest] = open;
    if (newest === undefined) return { events };
    const event = newest.buffer.shift();
    if (event === undefined) {
      await judge.fill(open.filter(({ buffer }) => buffer.length === 0).slice(0, ROOMS_AT_ONCE));
      continue;
    }
    looked += 1;
    ts = newest.ts;
    newest.before = event.place;
    taken.set(newest.head.room, event.place);
    const next = newest.buffer[0];
    if (next !== undefined) newest.ts = Math.min(newest.ts, next.ts);
    const notified = judge.notified(event, query.onlyHighlights);
    if (notified !== undefined) events.push(notified);
  }
  return { events, next: { ts, before: taken } };
}

/** Reads events and puts them to the user's rules. */
class Judge {
  private readonly known = new Map<RoomId, LevelsAt>();
  private readonly names = new Map<RoomId, string>();
  private readonly db: ModelDatabase;
  private readonly reads: Pick<SyncReads, 'states'>;
  private readonly userId: UserId;
  private readonly rules: PushRuleset;
  readonly ignored: ReadonlySet<string>;

  constructor(
    db: ModelDatabase,
    reads: Pick<SyncReads, 'states'>,
    userId: UserId,
    rules: PushRuleset,
    ignored: ReadonlySet<string>,
  ) {
    this.db = db;
    this.reads = reads;
    this.userId = userId;
    this.rules = rules;
    this.ignored = ignored;
  }

  /** Reads the next events of some rooms. */
  async fill(feeds: readonly Feed[]): Promise<void> {
    const found = await this.db.query<Candidate>(CANDIDATES, [
      this.userId,
      textColumn(feeds.map(({ head }) => head.room_id)),
      int8Column(feeds.map(({ head }) => head.base)),
      int8Column(feeds.map(({ before }) => before)),
      CHUNK,
    ]);
    const byRoom = Map.groupBy(found, ({ room_id }) => room_id);
    for (const feed of feeds) {
      feed.buffer = byRoom.get(feed.head.room_id) ?? [];
      // Where no event is live, the next are further down.
      if (feed.buffer.length === 0) feed.before -= CHUNK;
      feed.exhausted = feed.buffer.length === 0 && feed.before <= feed.head.base + 1;
      const [first] = feed.buffer;
      if (first !== undefined) feed.ts = Math.min(feed.ts, first.ts);
    }
    await this.learn(feeds.map(({ head }) => head));
  }

  /** The event as it is told; undefined where the rules do not notify of it. */
  notified(found: Candidate, onlyHighlights: boolean): NotifiedEvent | undefined {
    // Their invitations are not told, other state events are.
    if (isIgnored(this, found)) return undefined;
    if (this.ignored.has(found.sender) && found.type === 'm.room.member') return undefined;
    const { room_id, event_id, place, ts, read } = found;
    const levels = this.known.get(room_id);
    if (levels === undefined) return undefined;
    const rule = decidingRule(this.rules, pushEvent(found), {
      userId: this.userId,
      displayName: this.names.get(room_id),
      memberCount: found.joined ?? 0,
      levels: levels(room_id, place - 1),
    });
    const outcome = rule && outcomeOf(rule.actions);
    if (rule === undefined || outcome?.notify !== true) return undefined;
    if (onlyHighlights && !outcome.highlight) return undefined;
    return { room_id, event_id, actions: rule.actions, read: place <= read, ts };
  }

  /** What rules may ask of rooms. */
  private async learn(heads: readonly Head[]): Promise<void> {
    const strange = heads.filter(({ room_id }) => !this.known.has(room_id));
    if (strange.length === 0) return;
    const levels = await readLevels(
      this.db,
      strange.map(({ room_id }) => room_id),
    );
    const names = await readDisplayNames(this.reads, this.userId, strange);
    for (const { room_id } of strange) this.known.set(room_id, levels);
    for (const [room_id, name] of names) this.names.set(room_id, name);
  }
}
