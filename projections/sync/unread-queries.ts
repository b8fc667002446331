import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { MAIN_THREAD } from '../../src/matrix/relations.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { CountedThread, CountedUnread } from './reading.ts';
import type { RoomPlace, SyncReads } from './sync-reads.ts';

type Schema = (model: string) => string;

/** The furthest receipt of user `$1` in room `a.room_id` that is of the thread. Empty: unthreaded ones. */
const receipt = (
  m: Schema,
  thread: string,
): string => `(SELECT max(furthest_place) FROM ${m('accounts')}.receipts
  WHERE user_id = $1 AND room_id = a.room_id AND receipt_type <> 'm.fully_read' AND thread_id = ${thread})`;

/**
 * How far user `$1` has read a thread (null: the main timeline) of room `n`: by receipts of it, by its events that
 * the user sent, and `base` by receipts for all threads.
 */
const readOf = (m: Schema, base: string, thread: string): string => `greatest(${base},
  (SELECT place FROM ${m('timeline')}.senders
    WHERE room = n.room AND sender = $1 AND thread = coalesce(${thread}, '')),
  ${receipt(m, `coalesce(${thread}, '${MAIN_THREAD}')`)})`;

/**
 * `$1` user, `$2` rooms, `$3` places. By room: how far all threads were read. By thread: how far it was read, and how
 * many notifying events stand behind that: two ordinals, one from the other. Threads without anything new are left out.
 */
const ORDINALS: ModelSql = (m) => {
  const main = (place: string): string => `coalesce((SELECT e.ordinal FROM ${m('timeline')}.events e
    WHERE e.room = a.room AND e.kind = 0 AND e.place <= ${place} ORDER BY e.place DESC LIMIT 1), 0)`;
  const inThread = (
    place: string,
  ): string => `coalesce((SELECT e.thread_ordinal FROM ${m('timeline')}.events e
    WHERE e.room = a.room AND e.thread = t.thread AND e.thread_ordinal IS NOT NULL AND e.place <= ${place}
    ORDER BY e.place DESC LIMIT 1), 0)`;
  return `WITH a AS (SELECT a.room_id, a.place, n.room, greatest(0, ${receipt(m, "''")}) AS read
      FROM unnest($2::text[], $3::int8[]) a(room_id, place)
      JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id)
    SELECT a.room_id, a.place, a.read AS base, '${MAIN_THREAD}' AS thread, s.read,
      CASE WHEN s.read >= a.place THEN 0 ELSE ${main('a.place')} - ${main('s.read')} END AS notifying
    FROM a CROSS JOIN LATERAL (SELECT ${readOf(m, 'a.read', 'NULL').replaceAll('n.room', 'a.room')} AS read) s
    UNION ALL
    SELECT a.room_id, a.place, a.read, t.thread, s.read,
      CASE WHEN s.read >= a.place THEN 0 ELSE ${inThread('a.place')} - ${inThread('s.read')} END
    FROM a JOIN ${m('timeline')}.threads t ON t.room = a.room AND t.place > a.read
    CROSS JOIN LATERAL (SELECT ${readOf(m, 'a.read', 't.thread').replaceAll('n.room', 'a.room')} AS read) s`;
};

/**
 * `$1` user, `$2` rooms, `$3` places up to which all was read, `$4` places up to which. What is highlighted behind
 * what was read of its thread. The room's tombstone is one for everybody.
 */
const HIGHLIGHTS: ModelSql = (m) => `SELECT a.room_id, x.place, x.sender, x.notifies, x.whole,
    coalesce(x.thread, '${MAIN_THREAD}') AS thread, s.read
  FROM unnest($2::text[], $3::int8[], $4::int8[]) a(room_id, base, place)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (
    SELECT place, sender, notifies, user_id = '' AS whole, thread FROM ${m('timeline')}.mentions
      WHERE room = n.room AND user_id IN ($1, '') AND place > a.base
    UNION ALL
    SELECT e.place, e.sender, true, false, NULL FROM ${m('room_state')}.entries s
      JOIN ${m('timeline')}.events e USING (event_id)
      WHERE s.room = n.room AND s.type = 'm.room.tombstone' AND s.state_key = '') x
  CROSS JOIN LATERAL (SELECT ${readOf(m, 'a.base', 'x.thread')} AS read) s
  WHERE x.place > s.read AND x.place <= a.place AND x.sender <> $1 ORDER BY x.place, x.whole`;

interface Ordinals {
  readonly room_id: RoomId;
  readonly place: number;
  /** Up to where all threads were read. */
  readonly base: number;
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

/** What is unread, by the arithmetic of `src/matrix/notifying.ts`, thread by thread. */
export async function readUnread(
  db: ModelDatabase,
  reads: Pick<SyncReads, 'mayMentionRoom'>,
  userId: UserId,
  rooms: readonly RoomPlace[],
): Promise<ReadonlyMap<RoomId, CountedUnread>> {
  const ordinals = await db.query<Ordinals>(ORDINALS, [
    userId,
    textColumn(rooms.map(({ room_id }) => room_id)),
    int8Column(rooms.map(({ place }) => place)),
  ]);
  const byRoom = Map.groupBy(ordinals, ({ room_id }) => room_id);
  const behind = [...byRoom.values()].flatMap(([first]) =>
    first !== undefined && first.base < first.place ? [first] : [],
  );
  const highlights = behind.length === 0 ? [] : await readHighlights(db, userId, behind);
  const highlightsByRoom = Map.groupBy(highlights, ({ room_id }) => room_id);
  const counted = new Map<RoomId, CountedUnread>();
  for (const [roomId, threads] of byRoom) {
    const highlighted = await countable(reads, highlightsByRoom.get(roomId) ?? []);
    counted.set(roomId, { read: threads[0]?.base ?? 0, threads: countsOf(threads, highlighted) });
  }
  return counted;
}

/** Highlights without those of senders who may not make them, each event once. */
async function countable(
  reads: Pick<SyncReads, 'mayMentionRoom'>,
  highlights: readonly Highlight[],
): Promise<readonly Highlight[]> {
  const kept: Highlight[] = [];
  for (const highlight of highlights) {
    const { room_id, place, sender, whole } = highlight;
    // An event that is highlighted twice counts once.
    if (place === kept.at(-1)?.place) continue;
    if (whole && !(await reads.mayMentionRoom({ room_id, place: place - 1 }, sender))) continue;
    kept.push(highlight);
  }
  return kept;
}

function countsOf(
  ordinals: readonly Ordinals[],
  highlights: readonly Highlight[],
): ReadonlyMap<string, CountedThread> {
  const counts = new Map<string, { read: number; notification_count: number; highlight_count: number }>();
  for (const { thread, read, notifying } of ordinals) {
    if (notifying > 0) counts.set(thread, { read, notification_count: notifying, highlight_count: 0 });
  }
  for (const { thread, read, notifies } of highlights) {
    const count = counts.get(thread) ?? { read, notification_count: 0, highlight_count: 0 };
    counts.set(thread, count);
    count.highlight_count += 1;
    if (!notifies) count.notification_count += 1;
  }
  return counts;
}

function readHighlights(
  db: ModelDatabase,
  userId: UserId,
  rooms: readonly Ordinals[],
): Promise<readonly Highlight[]> {
  return db.query<Highlight>(HIGHLIGHTS, [
    userId,
    textColumn(rooms.map(({ room_id }) => room_id)),
    int8Column(rooms.map(({ base }) => base)),
    int8Column(rooms.map(({ place }) => place)),
  ]);
}
