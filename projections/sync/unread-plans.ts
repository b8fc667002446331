import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { PushPlan } from '../../src/matrix/push-plan.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import { planIn, type UserRules } from './user-rules.ts';

/** How far a room was read: of events up to `place` none up to `base` is unread, in whatever thread. */
export interface ReadRoom {
  readonly room_id: RoomId;
  readonly place: number;
  readonly base: number;
}

/** A room with how the user's rules count it. */
export type PlannedRoom<R extends ReadRoom = ReadRoom> = R & {
  readonly plan: PushPlan;
  /** Whether anybody whom the user ignores has sent anything that is unread. */
  readonly hasIgnored: boolean;
  /** How many are in the room at `place`, where the rules want to know. */
  readonly memberCount?: number;
};

/** `$1` rooms, `$2` places up to which all was read, `$3` places up to which. */
const MEMBER_COUNTS: ModelSql = (m) => `SELECT a.room_id, coalesce(last.joined, 0) AS joined,
    NOT EXISTS (SELECT FROM ${m('sync')}.memberships s WHERE s.room_id = a.room_id
      AND s.place > a.read AND s.place <= a.up_to) OR a.read >= a.up_to AS steady
  FROM unnest($1::text[], $2::int8[], $3::int8[]) a(room_id, read, up_to)
  LEFT JOIN LATERAL (SELECT joined FROM ${m('sync')}.memberships
    WHERE room_id = a.room_id AND place <= a.up_to ORDER BY place DESC LIMIT 1) last ON true`;

interface MemberCount {
  readonly room_id: RoomId;
  readonly joined: number;
  /** Whether nobody came or went among the unread events. */
  readonly steady: boolean;
}

/** `$1` rooms, `$2` places up to which all was read, `$3` users. One probe of an index for each room and user. */
const SENT_BY: ModelSql = (m) => `SELECT a.room_id FROM unnest($1::text[], $2::int8[]) a(room_id, read)
  JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
  WHERE EXISTS (SELECT FROM ${m('timeline')}.senders s
    WHERE s.room = n.room AND s.sender = ANY ($3::text[]) AND s.place > a.read)`;

/** Rooms in which any of those whom the user ignores has sent something behind what was read. */
async function withIgnored(
  db: ModelDatabase,
  { ignored }: UserRules,
  rooms: readonly ReadRoom[],
): Promise<ReadonlySet<RoomId>> {
  const unread = rooms.filter(({ base, place }) => base < place);
  if (ignored.size === 0 || unread.length === 0) return new Set();
  const found = await db.query<{ readonly room_id: RoomId }>(SENT_BY, [
    textColumn(unread.map(({ room_id }) => room_id)),
    int8Column(unread.map(({ base }) => base)),
    textColumn([...ignored]),
  ]);
  return new Set(found.map(({ room_id }) => room_id));
}

/** Plans for rooms. Asks for the number of members where the rules do, and where those are who are ignored. */
export async function readPlans<R extends ReadRoom>(
  db: ModelDatabase,
  { userId, rules }: { readonly userId: UserId; readonly rules: UserRules },
  rooms: readonly R[],
): Promise<readonly PlannedRoom<R>[]> {
  const hasIgnored = await withIgnored(db, rules, rooms);
  const planned = rooms.map((room) => ({
    ...room,
    plan: planIn(rules, userId, room.room_id),
    hasIgnored: hasIgnored.has(room.room_id),
  }));
  const sized = planned.filter(({ plan }) => plan.needsMemberCount);
  if (sized.length === 0) return planned;
  const found = await db.query<MemberCount>(MEMBER_COUNTS, [
    textColumn(sized.map(({ room_id }) => room_id)),
    int8Column(sized.map(({ base }) => base)),
    int8Column(sized.map(({ place }) => place)),
  ]);
  const counts = new Map(found.map((count) => [count.room_id, count]));
  return planned.map((room) => {
    const count = room.plan.needsMemberCount ? counts.get(room.room_id) : undefined;
    if (count === undefined) return room;
    const memberCount = count.joined;
    const plan = planIn(rules, userId, room.room_id, memberCount);
    if (count.steady) return { ...room, memberCount, plan };
    // Each event is to be judged by how many there were at its time.
    return {
      ...room,
      memberCount,
      plan: { ...plan, silent: false, scan: 'everything', needsMemberCount: true },
    };
  });
}
