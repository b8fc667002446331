import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { CountedUnread } from './reading.ts';
import type { RoomPlace, SyncReads } from './sync-reads.ts';

/**
 * `$1` user, `$2` rooms, `$3` places. How far the user has read: the furthest of the receipts, and the last event
 * that the user sent. How many notifying events stand behind that.
 */
const ORDINALS: ModelSql = (m) => {
  const ordinal = (place: string): string => `coalesce((SELECT e.ordinal FROM ${m('timeline')}.events e
    WHERE e.room = n.room AND e.kind = 0 AND e.place <= ${place} ORDER BY e.place DESC LIMIT 1), 0)`;
  return `SELECT a.room_id, a.place, s.read,
      CASE WHEN s.read >= a.place THEN 0 ELSE ${ordinal('a.place')} - ${ordinal('s.read')} END AS notifying
    FROM unnest($2::text[], $3::int8[]) a(room_id, place)
    JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
    CROSS JOIN LATERAL (SELECT greatest(0,
      (SELECT place FROM ${m('timeline')}.senders WHERE room = n.room AND sender = $1),
      (SELECT max(furthest_place) FROM ${m('accounts')}.receipts
        WHERE user_id = $1 AND room_id = a.room_id AND receipt_type <> 'm.fully_read')) AS read) s`;
};

/** `$1` user, `$2` rooms, `$3` places read, `$4` places up to which. The room's tombstone is one for everybody. */
const HIGHLIGHTS: ModelSql = (m) => `SELECT a.room_id, x.place, x.sender, x.notifies, x.whole
  FROM unnest($2::text[], $3::int8[], $4::int8[]) a(room_id, read, place)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (
    SELECT place, sender, notifies, user_id = '' AS whole FROM ${m('timeline')}.mentions
      WHERE room = n.room AND user_id IN ($1, '')
    UNION ALL
    SELECT e.place, e.sender, true, false FROM ${m('room_state')}.entries s
      JOIN ${m('timeline')}.events e USING (event_id)
      WHERE s.room = n.room AND s.type = 'm.room.tombstone' AND s.state_key = '') x
  WHERE x.place > a.read AND x.place <= a.place AND x.sender <> $1 ORDER BY x.place, x.whole`;

interface Ordinals {
  readonly room_id: RoomId;
  readonly place: number;
  readonly read: number;
  readonly notifying: number;
}

interface Highlight {
  readonly room_id: RoomId;
  readonly place: number;
  readonly sender: UserId;
  /** Whether it counts as a notification anyway. */
  readonly notifies: boolean;
  /** Whether it is a mention of the whole room, which not everybody may make. */
  readonly whole: boolean;
}

/** What is unread, by the arithmetic of `src/matrix/notifying.ts`. */
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
  const behind = ordinals.filter(({ read, place }) => read < place);
  const highlights = behind.length === 0 ? [] : await readHighlights(db, userId, behind);
  const byRoom = Map.groupBy(highlights, ({ room_id }) => room_id);
  const counted = new Map<RoomId, CountedUnread>();
  for (const { room_id, read, notifying } of ordinals) {
    let notification_count = notifying;
    let highlight_count = 0;
    let last = -1;
    for (const { place, sender, notifies, whole } of byRoom.get(room_id) ?? []) {
      // An event that is highlighted twice counts once.
      if (place === last) continue;
      if (whole && !(await reads.mayMentionRoom({ room_id, place: place - 1 }, sender))) continue;
      last = place;
      highlight_count += 1;
      if (!notifies) notification_count += 1;
    }
    counted.set(room_id, { read, notification_count, highlight_count });
  }
  return counted;
}

function readHighlights(
  db: ModelDatabase,
  userId: UserId,
  rooms: readonly Ordinals[],
): Promise<readonly Highlight[]> {
  return db.query<Highlight>(HIGHLIGHTS, [
    userId,
    textColumn(rooms.map(({ room_id }) => room_id)),
    int8Column(rooms.map(({ read }) => read)),
    int8Column(rooms.map(({ place }) => place)),
  ]);
}
