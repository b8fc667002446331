import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { MAIN_THREAD } from '../../src/matrix/relations.ts';
import type { ModelSql } from '../framework/active-schemas.ts';
import { joinPlace, readPlace, receiptPlace } from './read-sql.ts';

/** A room that may have something for a user, and its newest event that is not told yet. */
export interface Head {
  readonly room_id: RoomId;
  /** The room's number. */
  readonly room: number;
  /** Events up to here the user was not there for. */
  readonly base: number;
  readonly place: number;
  readonly ts: number;
}

/**
 * `$1` user, `$2` numbers of rooms, `$3` places before which to go on there, `$4` what other rooms' events must not
 * be newer than. Rooms where the user is, and of invitations that stand the invitation.
 */
export const HEADS: ModelSql = (m) => `SELECT l.room_id, n.room, l.base, e.place, e.ts
  FROM (SELECT DISTINCT ON (room_id) room_id, membership, place,
      CASE membership WHEN 'join' THEN place ELSE place - 1 END AS base
    FROM ${m('sync')}.memberships WHERE user_id = $1 ORDER BY room_id, place DESC) l
  JOIN ${m('timeline')}.rooms n ON n.room_id = l.room_id
  LEFT JOIN unnest($2::int8[], $3::int8[]) c(room, before) ON c.room = n.room
  CROSS JOIN LATERAL (SELECT place, ts FROM ${m('timeline')}.events x
    WHERE x.room = n.room AND x.kind = 0 AND x.place > l.base
      AND (l.membership = 'join' OR x.place <= l.place)
      AND CASE WHEN c.room IS NULL THEN x.ts <= $4::int8 ELSE x.place < c.before END
    ORDER BY x.place DESC LIMIT 1) e
  WHERE l.membership IN ('join', 'invite')`;

/** An event that rules are asked about. None that was redacted. */
export interface Candidate {
  readonly room_id: RoomId;
  readonly place: number;
  readonly ts: number;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key: string | null;
  readonly content: string;
  /** How far its thread was read. */
  readonly read: number;
  readonly joined: number | null;
}

/** `$1` user, `$2` rooms, `$3` places behind which, `$4` before which, `$5` at how many places in each; the newest first. */
export const CANDIDATES: ModelSql = (m) => `SELECT a.room_id, e.place, e.ts, e.event_id, e.type, e.sender,
    e.state_key, e.content, s.read, c.joined
  FROM unnest($2::text[], $3::int8[], $4::int8[]) a(room_id, after, below)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (SELECT greatest(0, ${joinPlace(m)}, ${receiptPlace(m, "''")}) AS base) b
  CROSS JOIN LATERAL (SELECT * FROM ${m('timeline')}.events x
    WHERE x.room = n.room AND x.kind = 0 AND x.place > greatest(a.after, a.below - 1 - $5::int8)
      AND x.place < a.below AND x.redacted_by IS NULL) e
  CROSS JOIN LATERAL (SELECT ${readPlace(m, 'n.room', 'b.base', `nullif(e.thread, '${MAIN_THREAD}')`)} AS read) s
  LEFT JOIN LATERAL (SELECT joined FROM ${m('sync')}.memberships j
    WHERE j.room_id = a.room_id AND j.place <= e.place ORDER BY j.place DESC LIMIT 1) c ON true
  ORDER BY e.place DESC`;
