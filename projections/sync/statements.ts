import type { ModelSql } from '../framework/active-schemas.ts';
import { filterSql } from '../timeline/page-query.ts';
import { eventColumns, eventJoins } from '../timeline/stored-event.ts';

/** The SQL of a sync. All of it is for many rooms at once: parallel arrays are the rooms and what is asked of each. */

/** `$1` user, `$2` offsets by partition. */
export const MEMBERSHIPS: ModelSql = (m) => `SELECT room_id, membership, sender, event_id, place, partition,
    log_offset AS offset, CASE WHEN forgotten < ($2::int8[])[partition + 1] THEN forgotten END AS forgotten
  FROM ${m('sync')}.memberships WHERE user_id = $1 AND log_offset < ($2::int8[])[partition + 1]
  ORDER BY log_offset`;

/** `$1` user. */
export const JOINED: ModelSql = (m) => `SELECT room_id FROM (SELECT DISTINCT ON (room_id) room_id, membership
    FROM ${m('sync')}.memberships WHERE user_id = $1 ORDER BY room_id, place DESC) l WHERE membership = 'join'`;

/** `$1` users. Display names and avatars, JSON. */
export const SHOWN_PROFILES: ModelSql = (m) => `SELECT user_id, field, value FROM ${m('accounts')}.profiles
  WHERE user_id = ANY ($1::text[]) AND field IN ('displayname', 'avatar_url')`;

/** `$1` rooms, `$2` offsets. */
export const TOUCHED: ModelSql = (
  m,
) => `SELECT a.room_id FROM unnest($1::text[], $2::int8[]) a(room_id, since)
  JOIN ${m('room_state')}.rooms r ON r.room_id = a.room_id WHERE r.log_offset >= a.since`;

/**
 * `$1` rooms, `$2` offsets. Mostly the last event stands before the offset; otherwise its place is found by halves:
 * places and offsets of live events rise together.
 */
export const PLACES: ModelSql = (m) => `WITH RECURSIVE newest AS (
    SELECT a.i, r.room, a.below, coalesce(e.place, 0) AS place, coalesce(e.log_offset, -1) AS log_offset
    FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY a(room_id, below, i)
    LEFT JOIN ${m('timeline')}.rooms r ON r.room_id = a.room_id
    LEFT JOIN LATERAL (SELECT place, log_offset FROM ${m('timeline')}.events
      WHERE room = r.room AND kind = 0 ORDER BY place DESC LIMIT 1) e ON true
  ), search(i, room, below, low, high) AS (
    SELECT i, room, below, CASE WHEN log_offset < below THEN place ELSE 0 END,
      CASE WHEN below <= 0 THEN 0 ELSE place END
    FROM newest
    UNION ALL
    SELECT s.i, s.room, s.below, CASE WHEN e.log_offset < s.below THEN (s.low + s.high + 1) / 2 ELSE s.low END,
      CASE WHEN e.log_offset < s.below THEN s.high ELSE e.place - 1 END
    FROM search s CROSS JOIN LATERAL (SELECT place, log_offset FROM ${m('timeline')}.events
      WHERE room = s.room AND kind = 0 AND place <= (s.low + s.high + 1) / 2 ORDER BY place DESC LIMIT 1) e
    WHERE s.low < s.high
  )
  SELECT max(low) AS place FROM search GROUP BY i ORDER BY i`;

/** `$1` rooms, `$2` places behind which, `$3` up to which, `$4` limit, then `filterValues`. */
export const TIMELINES: ModelSql = (m) => `SELECT ${eventColumns}
  FROM unnest($1::text[], $2::int8[], $3::int8[]) a(room_id, after, up_to)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (SELECT * FROM ${m('timeline')}.events x
    WHERE x.room = n.room AND x.kind = 0 AND x.place > a.after AND x.place <= a.up_to
      AND ${filterSql('x')}
    ORDER BY x.place DESC LIMIT $4) e
  ${eventJoins(m)} ORDER BY e.room, e.place`;

/** `$1` rooms, `$2` types, `$3` state keys, `$4` places. */
export const REPLACED: ModelSql = (m) => `SELECT e.event_id, e.content, before.place
  FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[]) WITH ORDINALITY a(room_id, type, state_key, place, i)
  LEFT JOIN ${m('room_state')}.rooms n ON n.room_id = a.room_id
  LEFT JOIN LATERAL (SELECT x.event_id, x.place FROM ${m('room_state')}.entries x
    WHERE x.room = n.room AND x.type = a.type AND x.state_key = a.state_key AND x.place < a.place
    ORDER BY x.place DESC LIMIT 1) before ON true
  LEFT JOIN ${m('timeline')}.events e ON e.event_id = before.event_id
  ORDER BY a.i`;

/** `$1` rooms. */
export const VISIBILITIES: ModelSql = (
  m,
) => `SELECT n.room_id, x.place, coalesce(x.value, 'shared') AS visibility
  FROM ${m('room_state')}.rooms n JOIN ${m('room_state')}.entries x ON x.room = n.room
  WHERE n.room_id = ANY ($1::text[]) AND x.type = 'm.room.history_visibility' AND x.state_key = ''
  ORDER BY x.place`;

/** Up to six members `m` of a room as of a place, by the event that made them so. */
const members = (schema: string, memberships: string): string => `ARRAY(SELECT m.user_id
  FROM ${schema}.memberships m
  WHERE m.room_id = a.room_id AND m.place <= a.place AND m.membership IN (${memberships})
    AND NOT EXISTS (SELECT FROM ${schema}.memberships n WHERE n.user_id = m.user_id AND n.room_id = m.room_id
      AND n.place > m.place AND n.place <= a.place)
  ORDER BY m.place LIMIT 6)`;

/** `$1` rooms, `$2` places. */
export const SUMMARIES: ModelSql = (m) => `SELECT a.room_id, c.joined, c.invited,
    ${members(m('sync'), "'join', 'invite'")} AS heroes,
    CASE WHEN c.joined + c.invited > 1 THEN '{}' ELSE ${members(m('sync'), "'leave', 'ban'")} END AS former
  FROM unnest($1::text[], $2::int8[]) a(room_id, place)
  CROSS JOIN LATERAL (SELECT joined, invited FROM ${m('sync')}.memberships
    WHERE room_id = a.room_id AND place <= a.place ORDER BY place DESC LIMIT 1) c`;

/** `$1` user, `$2` rooms, `$3` whether all are wanted, `$4` offsets from which, `$5` before which. */
export const RECEIPTS: ModelSql = (m) => `SELECT r.room_id, r.user_id, r.receipt_type,
    nullif(r.thread_id, '') AS thread_id, r.event_id, r.ts, r.furthest_place, r.partition,
    r.log_offset AS offset
  FROM unnest($2::text[], $3::bool[]) a(room_id, whole)
  JOIN ${m('accounts')}.receipts r ON r.room_id = a.room_id
  WHERE r.log_offset < ($5::int8[])[r.partition + 1]
    AND (a.whole OR r.log_offset >= ($4::int8[])[r.partition + 1])
    AND (r.receipt_type = 'm.read' OR (r.receipt_type = 'm.read.private' AND r.user_id = $1))
  ORDER BY r.log_offset`;

/** `$1` user, `$2` offset from which, `$3` before which. The fully-read marker is shown as account data, and so
 * are push rules: those as they are stored.
 */
export const ACCOUNT_DATA: ModelSql = (m) => `SELECT nullif(room_id, '') AS room_id, type, content,
    log_offset AS offset
  FROM ${m('accounts')}.account_data WHERE user_id = $1 AND log_offset >= $2 AND log_offset < $3
  UNION ALL
  SELECT room_id, receipt_type, json_build_object('event_id', event_id)::text, log_offset
  FROM ${m('accounts')}.receipts
  WHERE user_id = $1 AND receipt_type = 'm.fully_read' AND log_offset >= $2 AND log_offset < $3
  UNION ALL
  SELECT NULL, 'm.push_rules', rules, log_offset
  FROM ${m('accounts')}.push_rules WHERE user_id = $1 AND log_offset >= $2 AND log_offset < $3
  ORDER BY 4`;

/** `$1` room, `$2` events. */
export const THREADS: ModelSql = (m) => `SELECT e.event_id, e.thread, e.hops FROM ${m('timeline')}.events e
  JOIN ${m('timeline')}.rooms r USING (room)
  WHERE r.room_id = $1 AND e.event_id = ANY ($2::text[]) AND e.thread IS NOT NULL`;

/** `$1` user. */
export const PUSH_RULES: ModelSql = (m) => `SELECT rules, log_offset AS offset
  FROM ${m('accounts')}.push_rules WHERE user_id = $1`;
