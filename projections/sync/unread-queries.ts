import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { PushPlan } from '../../src/matrix/push-plan.ts';
import { MAIN_THREAD } from '../../src/matrix/relations.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import { readDisplayNames } from './display-names.ts';
import { mayMentionRoom, readLevels } from './level-queries.ts';
import { joinPlace, readPlace, receiptPlace } from './read-sql.ts';
import type { CountedThread, CountedUnread } from './reading.ts';
import type { RoomPlace, SyncReads } from './sync-reads.ts';
import { type PlannedRoom, type ReadRoom, readPlans } from './unread-plans.ts';
import { type Difference, scanUnread } from './unread-scan.ts';
import type { UserRules } from './user-rules.ts';

/**
 * `$1` user, `$2` rooms, `$3` places. By room: how far all threads were read, or joined. By thread: how far it was
 * read, and how many notifying events stand behind that: two ordinals, one from the other, without those that were
 * redacted since. Threads without anything new are left out.
 */
const ORDINALS: ModelSql = (m) => {
  const main = (place: string): string => `coalesce((SELECT e.ordinal FROM ${m('timeline')}.events e
    WHERE e.room = a.room AND e.kind = 0 AND e.place <= ${place} ORDER BY e.place DESC LIMIT 1), 0)`;
  const inThread = (
    place: string,
  ): string => `coalesce((SELECT e.thread_ordinal FROM ${m('timeline')}.events e
    WHERE e.room = a.room AND e.thread = t.thread AND e.thread_ordinal IS NOT NULL AND e.place <= ${place}
    ORDER BY e.place DESC LIMIT 1), 0)`;
  // Rows of a small index: of what is unread only what was redacted is looked at.
  const redacted = (inThread: string): string => `(SELECT count(*)::int8 FROM ${m('timeline')}.events e
    WHERE e.room = a.room AND ${inThread} AND e.notifies AND e.redacted_by IS NOT NULL
      AND e.place > s.read AND e.place <= a.place)`;
  return `WITH a AS (SELECT a.room_id, a.place, n.room, greatest(0, ${joinPlace(m)}, ${receiptPlace(m, "''")}) AS read
      FROM unnest($2::text[], $3::int8[]) a(room_id, place)
      JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id)
    SELECT a.room_id, a.place, a.read AS base, '${MAIN_THREAD}' AS thread, s.read,
      CASE WHEN s.read >= a.place THEN 0 ELSE ${main('a.place')} - ${main('s.read')}
        - ${redacted('e.thread IS NULL')} END AS notifying
    FROM a CROSS JOIN LATERAL (SELECT ${readPlace(m, 'a.room', 'a.read', 'NULL')} AS read) s
    UNION ALL
    SELECT a.room_id, a.place, a.read, t.thread, s.read,
      CASE WHEN s.read >= a.place THEN 0 ELSE ${inThread('a.place')} - ${inThread('s.read')}
        - ${redacted('e.thread = t.thread')} END
    FROM a JOIN ${m('timeline')}.threads t ON t.room = a.room AND t.place > a.read
    CROSS JOIN LATERAL (SELECT ${readPlace(m, 'a.room', 'a.read', 't.thread')} AS read) s`;
};

/**
 * `$1` user, `$2` rooms, `$3` places up to which all was read, `$4` places up to which, `$5` users of whom only state
 * events count. What is highlighted behind what was read of its thread.
 */
const HIGHLIGHTS: ModelSql = (m) => `SELECT a.room_id, x.place, x.sender, x.notifies, x.whole,
    coalesce(x.thread, '${MAIN_THREAD}') AS thread, s.read
  FROM unnest($2::text[], $3::int8[], $4::int8[]) a(room_id, base, place)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (SELECT place, sender, notifies, user_id = '' AS whole, thread
    FROM ${m('timeline')}.mentions
    WHERE room = n.room AND user_id IN ($1, '', '*') AND place > a.base) x
  CROSS JOIN LATERAL (SELECT ${readPlace(m, 'n.room', 'a.base', 'x.thread')} AS read) s
  WHERE x.place > s.read AND x.place <= a.place AND x.sender <> $1
    AND (NOT x.sender = ANY ($5::text[]) OR EXISTS (SELECT FROM ${m('timeline')}.events e
      WHERE e.room = n.room AND e.place = x.place AND e.kind <= 1 AND e.state_key IS NOT NULL))
  ORDER BY x.place, x.whole`;

interface Ordinals extends ReadRoom {
  readonly thread: string;
  readonly read: number;
  readonly notifying: number;
}

interface Highlight {
  readonly room_id: RoomId;
  readonly thread: string;
  readonly read: number;
  readonly place: number;
  readonly sender: UserId;
  /** Whether it counts as a notification anyway. */
  readonly notifies: boolean;
  /** Whether it is a mention of the whole room, which not everybody may make. */
  readonly whole: boolean;
}

/**
 * What is unread, thread by thread: by the arithmetic of `src/matrix/notifying.ts`, and the differences that the
 * user's rules make.
 */
export async function readUnread(
  db: ModelDatabase,
  reads: Pick<SyncReads, 'states'>,
  reader: { readonly userId: UserId; readonly rules: UserRules },
  rooms: readonly RoomPlace[],
): Promise<ReadonlyMap<RoomId, CountedUnread>> {
  const ordinals = await db.query<Ordinals>(ORDINALS, [
    reader.userId,
    textColumn(rooms.map(({ room_id }) => room_id)),
    int8Column(rooms.map(({ place }) => place)),
  ]);
  const byRoom = Map.groupBy(ordinals, ({ room_id }) => room_id);
  const planned = await readPlans(
    db,
    reader,
    [...byRoom.values()].flatMap(([first]) => first ?? []),
  );
  const loud = planned.filter(({ base, place, plan }) => base < place && !plan.silent);
  const [highlights, differences] = await Promise.all([
    readHighlights(db, reader, loud),
    readDifferences(db, reads, reader, loud),
  ]);
  return new Map(
    planned.map(({ room_id, base, plan, memberCount }) => {
      const counts = new Counts(plan);
      for (const one of byRoom.get(room_id) ?? []) counts.ordinals(one);
      for (const one of highlights.get(room_id) ?? []) counts.highlight(one);
      for (const one of differences.get(room_id) ?? []) counts.difference(one);
      const counted = { read: base, threads: counts.threads() };
      return [room_id, memberCount === undefined ? counted : { ...counted, memberCount }];
    }),
  );
}

/** The counts of one room, added up. */
class Counts {
  private readonly plan: PushPlan;
  private readonly counts = new Map<
    string,
    { read: number; notification_count: number; highlight_count: number }
  >();

  constructor(plan: PushPlan) {
    this.plan = plan;
  }

  ordinals(ordinals: Ordinals): void {
    if (this.plan.base && ordinals.notifying > 0) this.of(ordinals).notification_count += ordinals.notifying;
  }

  highlight(highlight: Highlight): void {
    const count = this.of(highlight);
    count.highlight_count += 1;
    if (!(this.plan.base && highlight.notifies)) count.notification_count += 1;
  }

  difference(difference: Difference): void {
    const count = this.of(difference);
    count.notification_count += difference.notifications;
    count.highlight_count += difference.highlights;
  }

  /** Those in which anything is unread. */
  threads(): ReadonlyMap<string, CountedThread> {
    return new Map([...this.counts].filter(([, { notification_count }]) => notification_count > 0));
  }

  private of({ thread, read }: { readonly thread: string; readonly read: number }) {
    const count = this.counts.get(thread) ?? { read, notification_count: 0, highlight_count: 0 };
    this.counts.set(thread, count);
    return count;
  }
}

/** Highlights by room, without those of senders who may not make them, each event once. */
async function readHighlights(
  db: ModelDatabase,
  { userId, rules }: { readonly userId: UserId; readonly rules: UserRules },
  rooms: readonly ReadRoom[],
): Promise<ReadonlyMap<RoomId, readonly Highlight[]>> {
  if (rooms.length === 0) return new Map();
  const found = await db.query<Highlight>(HIGHLIGHTS, [
    userId,
    textColumn(rooms.map(({ room_id }) => room_id)),
    int8Column(rooms.map(({ base }) => base)),
    int8Column(rooms.map(({ place }) => place)),
    textColumn([...rules.ignored]),
  ]);
  const disputed = new Set(found.flatMap(({ whole, room_id }) => (whole ? room_id : [])));
  const levels = await readLevels(db, [...disputed]);
  const counted = new Map<RoomId, Highlight[]>();
  for (const highlight of found) {
    const { room_id, place, whole, sender } = highlight;
    const kept = counted.get(room_id) ?? [];
    counted.set(room_id, kept);
    // An event that is highlighted twice counts once.
    if (place === kept.at(-1)?.place) continue;
    if (whole && !mayMentionRoom(levels(room_id, place - 1), sender)) continue;
    kept.push(highlight);
  }
  return counted;
}

async function readDifferences(
  db: ModelDatabase,
  reads: Pick<SyncReads, 'states'>,
  { userId, rules }: { readonly userId: UserId; readonly rules: UserRules },
  rooms: readonly PlannedRoom[],
): Promise<ReadonlyMap<RoomId, readonly Difference[]>> {
  const asks = rooms.filter(({ plan, hasIgnored }) => plan.scan !== 'nothing' || hasIgnored);
  if (asks.length === 0) return new Map();
  const named = asks.filter(({ plan }) => plan.needsDisplayName);
  const displayNames = await readDisplayNames(reads, userId, named);
  return scanUnread(db, { userId, rules, displayNames }, asks);
}
