import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { countedByDefault, isNotifying } from '../../src/matrix/notifying.ts';
import type { PowerLevels } from '../../src/matrix/power-levels.ts';
import { evaluate, type PushContext } from '../../src/matrix/push-rules.ts';
import { type NarrowScan, NO_SCAN, type PushScan, widened } from '../../src/matrix/push-scan.ts';
import { MAIN_THREAD } from '../../src/matrix/relations.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { boolColumn, int8Column, textColumn } from '../framework/columns.ts';
import { likePattern } from '../timeline/page-query.ts';
import { mayMentionRoom, readLevels } from './level-queries.ts';
import { readPlace } from './read-sql.ts';
import type { PlannedRoom } from './unread-plans.ts';
import { isIgnored, pushEvent, type UserRules } from './user-rules.ts';

/**
 * Unread events of each room, the newest first, in which those are looked for that a user's rules may see otherwise
 * than arithmetic does, and those of ignored users. Of older ones arithmetic is believed: keywords are not found in
 * them, and ignored users are counted.
 */
const LEAST_SCANNED = 500;
/**
 * So many more, in all rooms of one question together, for those rooms that have more unread: 10,000 take about 30 ms
 * of Postgres (1,000 pages, 3 µs a row).
 */
const MORE_SCANNED = 10_000;
/** The same where each single event is put to the rules: 20 µs each, in this process. */
const MORE_JUDGED = 1_000;

/** By how much counting goes wrong that goes by arithmetic, in one event. */
export interface Difference {
  readonly thread: string;
  /** How far the thread was read. */
  readonly read: number;
  readonly notifications: number;
  readonly highlights: number;
}

/**
 * `$1` user, `$2` rooms, `$3` places up to which all was read, `$4` places up to which, `$5` whether every event is
 * wanted, else those by `$6` senders, of `$7` types, with `$8` texts in them; `$9` how many at most are looked at in
 * each, `$10` whether the number of members is wanted. What was redacted counts nothing, and
 * one's own membership neither: an invitation is nothing unread. How far a thread was read is only looked up for
 * what is left (OFFSET 0: not before): five buffers an event. Live places have no gaps, so a range of them bounds what
 * is looked at; with a LIMIT Postgres takes the range for small, and sorts all of it.
 */
const SCAN: ModelSql = (
  m,
) => `SELECT a.room_id, e.place, e.event_id, e.type, e.sender, e.state_key, e.content,
    coalesce(e.thread, '${MAIN_THREAD}') AS thread, s.read, c.joined
  FROM unnest($2::text[], $3::int8[], $4::int8[], $5::bool[], $9::int8[])
    a(room_id, base, up_to, whole, depth)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (SELECT x.place, x.event_id, x.type, x.sender, x.state_key, x.content, x.thread
    FROM ${m('timeline')}.events x
    WHERE x.room = n.room AND x.kind = 0 AND x.place > greatest(a.base, a.up_to - a.depth)
      AND x.place <= a.up_to AND x.redacted_by IS NULL AND x.sender <> $1
      AND NOT (x.type = 'm.room.member' AND x.state_key IS NOT DISTINCT FROM $1)
      AND (a.whole OR lower(x.sender) = ANY ($6::text[]) OR lower(x.type) = ANY ($7::text[])
        OR x.content ILIKE ANY ($8::text[]) OR (cardinality($8::text[]) > 0 AND strpos(x.content, '\\') > 0))
    OFFSET 0) e
  CROSS JOIN LATERAL (SELECT ${readPlace(m, 'n.room', 'a.base', 'e.thread')} AS read) s
  LEFT JOIN LATERAL (SELECT joined FROM ${m('sync')}.memberships s
    WHERE $10::bool AND s.room_id = a.room_id AND s.place <= e.place ORDER BY s.place DESC LIMIT 1) c ON true
  WHERE e.place > s.read`;

interface Found {
  readonly room_id: RoomId;
  readonly place: number;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key: string | null;
  readonly content: string;
  readonly thread: string;
  readonly read: number;
  readonly joined: number | null;
}

/** Who asks. */
export interface Asker {
  readonly userId: UserId;
  readonly rules: UserRules;
  /** The user's display name by room, where rules want to know it. */
  readonly displayNames: ReadonlyMap<RoomId, string>;
}

/** Asks the rules about the events that plans name: where they say something else than arithmetic, and what. */
export async function scanUnread(
  db: ModelDatabase,
  asker: Asker,
  asks: readonly PlannedRoom[],
): Promise<ReadonlyMap<RoomId, readonly Difference[]>> {
  const found = await db.query<Found>(SCAN, scanValues(asker, asks));
  const levels = await readLevels(db, [...new Set(found.map(({ room_id }) => room_id))]);
  const events = Map.groupBy(found, ({ room_id }) => room_id);
  return new Map(
    asks.map((room) => [
      room.room_id,
      (events.get(room.room_id) ?? [])
        .map((event) => differenceOf(asker, event, room, levels(room.room_id, event.place - 1)))
        .filter(({ notifications, highlights }) => notifications !== 0 || highlights !== 0),
    ]),
  );
}

function differenceOf(asker: Asker, found: Found, room: PlannedRoom, levels: PowerLevels): Difference {
  const { userId, rules, displayNames } = asker;
  const { thread, read } = found;
  const event = pushEvent(found);
  // What is highlighted of theirs was left out before.
  if (isIgnored(rules, found)) {
    return { thread, read, notifications: -Number(room.plan.base && isNotifying(event)), highlights: 0 };
  }
  if (rules.rules === undefined) return { thread, read, notifications: 0, highlights: 0 };
  const context: PushContext = {
    userId,
    displayName: displayNames.get(found.room_id),
    memberCount: found.joined ?? room.memberCount ?? 0,
    levels,
  };
  const is = evaluate(rules.rules, event, context);
  const was = countedByDefault(event, userId, room.plan.base, mayMentionRoom(levels, found.sender));
  return {
    thread,
    read,
    notifications: Number(is.notify) - Number(was.notify),
    highlights: Number(is.highlight) - Number(was.highlight),
  };
}

/**
 * How many events of each room are looked at, the newest: some of each, and what rooms with fewer unread leave of
 * `more` for those with more.
 */
export function scanDepths(unread: readonly number[], more: number): readonly number[] {
  const depths = unread.map((count) => Math.min(count, LEAST_SCANNED));
  let left = more;
  const open = [...unread.keys()].toSorted((one, other) => (unread[one] ?? 0) - (unread[other] ?? 0));
  for (const [at, index] of open.entries()) {
    const share = Math.floor(left / (open.length - at));
    const given = Math.min(share, (unread[index] ?? 0) - (depths[index] ?? 0));
    depths[index] = (depths[index] ?? 0) + given;
    left -= given;
  }
  return depths;
}

function depthColumn(asks: readonly PlannedRoom[]): Buffer {
  const isWhole = ({ plan }: PlannedRoom) => plan.scan === 'everything';
  const depths = new Map<RoomId, number>();
  for (const [rooms, more] of [
    [asks.filter(isWhole), MORE_JUDGED],
    [asks.filter((ask) => !isWhole(ask)), MORE_SCANNED],
  ] as const) {
    const found = scanDepths(
      rooms.map(({ base, place }) => place - base),
      more,
    );
    for (const [index, { room_id }] of rooms.entries()) depths.set(room_id, found[index] ?? 0);
  }
  return int8Column(asks.map(({ room_id }) => depths.get(room_id) ?? 0));
}

function scanValues({ userId, rules: { ignored } }: Asker, asks: readonly PlannedRoom[]) {
  const narrow = asks.map(({ plan }) => plan.scan).filter((scan) => scan !== 'everything');
  // What is looked for in one room may as well be looked for in all: the rules are asked all the same.
  const scan = narrow.reduce<PushScan>(widened, NO_SCAN);
  const { senders, types, texts }: NarrowScan = typeof scan === 'string' ? NO_SCAN : scan;
  const distinct = (list: readonly string[]) => textColumn([...new Set(list)]);
  return [
    userId,
    textColumn(asks.map(({ room_id }) => room_id)),
    int8Column(asks.map(({ base }) => base)),
    int8Column(asks.map(({ place }) => place)),
    boolColumn(asks.map(({ plan }) => plan.scan === 'everything')),
    distinct([...senders, ...[...ignored].map((sender) => sender.toLowerCase())]),
    distinct(types),
    distinct(texts.map((text) => `%${likePattern(text.replaceAll('*', ''))}%`)),
    depthColumn(asks),
    asks.some(({ plan }) => plan.needsMemberCount) ? 'true' : 'false',
  ];
}
