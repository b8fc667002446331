import type { EventId, RoomId, RoomVersionId, UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { Parameter } from '../framework/model.ts';
import {
  eventColumns,
  eventJoins,
  type StoredEvent,
  type StoredEventRow,
  storedEvents,
} from '../timeline/stored-event.ts';
import { usersSharing } from './users-sharing.ts';
import { type HistoryStep, HistoryView } from './visibility.ts';

/** A membership. */
export type Membership = 'invite' | 'join' | 'leave' | 'ban' | 'knock';

/** A room as it is now. */
export interface RoomInfo {
  readonly room_id: RoomId;
  readonly version: RoomVersionId;
  readonly creator: UserId;
  /** The last place given to a live event. */
  readonly place: number;
  readonly joined: number;
  readonly invited: number;
}

/** A user's standing in a room. */
export interface Standing {
  readonly membership: Membership;
  readonly event_id: EventId;
  /** The place and the offset of that membership event. */
  readonly place: number;
  readonly log_offset: number;
  /** The place of the event that ended the user's latest join; null for who is joined or never was. */
  readonly left_at: number | null;
  /** Whether the user has forgotten the room since. */
  readonly forgotten: boolean;
}

/** A membership of a user in some room, as it became at `log_offset`. */
export interface UserMembership {
  readonly room_id: RoomId;
  /** The partition of `rooms` that `log_offset` is of. */
  readonly partition: number;
  readonly membership: Membership;
  /** What it was before; null when there was none. */
  readonly previous: Membership | null;
  readonly event_id: EventId;
  readonly place: number;
  readonly log_offset: number;
  /** The offset with which it ceased to hold; null when it holds. */
  readonly until_offset: number | null;
}

/** Offsets of one partition: after `after`, up to and including `upTo`. */
export interface PartitionWindow {
  readonly partition: number;
  readonly after: number;
  readonly upTo: number;
}

/** An entry of a state that differs between two moments. */
export interface StateDifference {
  readonly type: string;
  readonly state_key: string;
  /** Null: the entry is gone. */
  readonly event_id: EventId | null;
  readonly place: number;
  readonly log_offset: number;
}

/** Which of a room's two orders a moment is told in. */
export type MomentOrder = 'place' | 'offset';

/** Queries of `room_state`. Current state, where no moment is given. Events come from `timeline`. */
export interface RoomStateQueries {
  /** Undefined when no such room is known here. */
  room(roomId: RoomId): Promise<RoomInfo | undefined>;
  /** Undefined when no such room is known here. */
  version(roomId: RoomId): Promise<RoomVersionId | undefined>;
  /** Undefined when the user has no membership event in the room. */
  standing(roomId: RoomId, userId: UserId): Promise<Standing | undefined>;
  /** @param at the state after the event at this place (inclusive). */
  stateEvent(roomId: RoomId, type: string, stateKey: string, at?: number): Promise<StoredEvent | undefined>;
  /** All entries, or those of one type, or all but the members. @param options.at as for `stateEvent`. */
  state(
    roomId: RoomId,
    options?: { readonly type?: string; readonly at?: number; readonly members?: false },
  ): Promise<readonly StoredEvent[]>;
  /** The entries as of an offset of the log (inclusive), of some types only where given. */
  stateAtOffset(roomId: RoomId, offset: number, types?: readonly string[]): Promise<readonly StoredEvent[]>;
  /**
   * What differs between two moments: entries that changed after `from` and up to `to` (inclusive), as they were
   * at `to`. @param order whether the moments are places or offsets of the log.
   */
  stateDelta(
    roomId: RoomId,
    from: number,
    to: number,
    order: MomentOrder,
  ): Promise<readonly StateDifference[]>;
  /** Members' events, of some memberships only where given. @param options.at as for `stateEvent`. */
  members(
    roomId: RoomId,
    options?: {
      readonly membership?: readonly Membership[];
      readonly notMembership?: readonly Membership[];
      readonly at?: number;
    },
  ): Promise<readonly StoredEvent[]>;
  /** The IDs of members with the given membership, longest first. */
  memberIds(roomId: RoomId, membership: Membership): Promise<readonly UserId[]>;
  /** How many are in the room and how many are invited, as of an offset of the log, or now. */
  counts(roomId: RoomId, offset?: number): Promise<{ readonly joined: number; readonly invited: number }>;
  /** Members but for one, joined and invited before those that are gone, longest first. */
  heroes(roomId: RoomId, except: UserId, limit: number, offset?: number): Promise<readonly UserId[]>;
  /** The rooms in which the user's membership is the given one. */
  rooms(userId: UserId, membership: Membership): Promise<readonly RoomId[]>;
  /** Which of the users are joined to which rooms, or to which of those that are given, room by room. */
  joinedAmong(
    users: readonly UserId[],
    rooms?: readonly RoomId[],
  ): Promise<readonly { readonly room_id: RoomId; readonly user_id: UserId }[]>;
  /** Those of the users who share a room with one of them, now. */
  sharing(userId: UserId, users: readonly UserId[]): Promise<ReadonlySet<string>>;
  /** The user's present memberships in all rooms. */
  memberships(userId: UserId): Promise<readonly UserMembership[]>;
  /** All that the user's memberships ever were, by partition and offset. */
  membershipHistory(userId: UserId): Promise<readonly UserMembership[]>;
  /** The user's memberships that changed within the windows, by partition and offset. */
  membershipChanges(userId: UserId, windows: readonly PartitionWindow[]): Promise<readonly UserMembership[]>;
  /** What the user may see of the room's history. */
  visibility(roomId: RoomId, userId: UserId): Promise<HistoryView>;
}

/** The queries of `room_state` over the schemas that are active. */
export function roomStateQueries(db: ModelDatabase, slots: number): RoomStateQueries {
  const events = async (sql: ModelSql, values: readonly Parameter[]): Promise<readonly StoredEvent[]> =>
    storedEvents(db, await db.query<StoredEventRow>(sql, values));
  const room = async (roomId: RoomId): Promise<RoomInfo | undefined> =>
    (await db.query<RoomInfo>(ROOM, [roomId]))[0];
  const list = (values: readonly string[] | undefined): Parameter =>
    values === undefined ? null : textColumn(values);
  return {
    room,
    version: async (roomId) => (await room(roomId))?.version,
    standing: async (roomId, userId) => (await db.query<Standing>(STANDING, [roomId, userId]))[0],
    stateEvent: async (roomId, type, key, at) =>
      (await events(at === undefined ? STATE_EVENT : STATE_EVENT_AT, [roomId, type, key, ...given(at)]))[0],
    state: (roomId, { type, at, members } = {}) => {
      const wanted = [roomId, type ?? null, members === false ? 'm.room.member' : null];
      return at === undefined ? events(STATE, wanted) : events(STATE_AT, [...wanted, at]);
    },
    stateAtOffset: (roomId, offset, types) => events(STATE_AT_OFFSET, [roomId, offset, list(types)]),
    stateDelta: (roomId, from, to, order) =>
      db.query<StateDifference>(order === 'place' ? DELTA_BY_PLACE : DELTA_BY_OFFSET, [roomId, from, to]),
    members: (roomId, { membership, notMembership, at } = {}) =>
      events(at === undefined ? MEMBERS : MEMBERS_AT, [
        roomId,
        list(membership),
        list(notMembership),
        ...given(at),
      ]),
    memberIds: async (roomId, membership) =>
      (await db.query<{ user: UserId }>(MEMBER_IDS, [roomId, membership])).map((row) => row.user),
    counts: async (roomId, offset) => {
      if (offset === undefined) return (await room(roomId)) ?? NOBODY;
      const known = await db.query<typeof NOBODY>(COUNTS_UNCHANGED, [roomId, offset]);
      return known[0] ?? (await db.query<typeof NOBODY>(COUNTS_AT, [roomId, offset]))[0] ?? NOBODY;
    },
    heroes: async (roomId, except, limit, offset) => {
      const rows =
        offset === undefined
          ? await db.query<{ user: UserId }>(HEROES, [roomId, except, limit])
          : await db.query<{ user: UserId }>(HEROES_AT, [roomId, except, limit, offset]);
      return rows.map((row) => row.user);
    },
    sharing: (userId, users) => usersSharing(db, userId, users),
    rooms: async (userId, membership) =>
      (await db.query<{ room_id: RoomId }>(ROOMS_OF, [userId, membership])).map((row) => row.room_id),
    joinedAmong: (users, rooms) => db.query(JOINED_AMONG, [textColumn(users), list(rooms)]),
    memberships: (userId) => db.query<UserMembership>(MEMBERSHIPS, [userId, slots]),
    membershipHistory: (userId) => db.query<UserMembership>(MEMBERSHIP_HISTORY, [userId, slots]),
    membershipChanges: (userId, windows) =>
      db.query<UserMembership>(MEMBERSHIP_CHANGES, [
        userId,
        slots,
        int8Column(windows.map((window) => window.partition)),
        int8Column(windows.map((window) => window.after)),
        int8Column(windows.map((window) => window.upTo)),
      ]),
    visibility: (roomId, userId) => readVisibility(db, roomId, userId),
  };
}

const NOBODY: { readonly joined: number; readonly invited: number } = { joined: 0, invited: 0 };

function given(at: number | undefined): readonly Parameter[] {
  return at === undefined ? [] : [at];
}

const ROOM: ModelSql = (m) => `SELECT room_id, version, creator, place, joined, invited
  FROM ${m('room_state')}.rooms WHERE room_id = $1 AND creator <> ''`;

/** The room's number; `$1` is its ID. */
const NUMBER = (m: (model: string) => string): string =>
  `(SELECT room FROM ${m('room_state')}.rooms WHERE room_id = $1)`;

const STANDING: ModelSql = (m) => `SELECT s.value AS membership, s.event_id, s.place, s.log_offset,
    CASE WHEN s.value <> 'join' THEN (SELECT max(p.place) FROM ${m('room_state')}.entries p
      WHERE p.room = s.room AND p.type = s.type AND p.state_key = s.state_key
        AND p.previous = 'join' AND p.value IS DISTINCT FROM 'join') END AS left_at,
    EXISTS (SELECT FROM ${m('room_state')}.forgotten f
      WHERE f.room = s.room AND f.user_id = s.state_key AND f.place >= s.place) AS forgotten
  FROM ${m('room_state')}.entries s WHERE s.room = ${NUMBER(m)} AND s.type = 'm.room.member'
    AND s.state_key = $2 AND s.until_place IS NULL AND s.event_id IS NOT NULL AND s.value IS NOT NULL`;

/** Events of entries `s` that meet a condition. */
function stateSql(m: (model: string) => string, where: string): string {
  return `SELECT ${eventColumns} FROM ${m('room_state')}.entries s
    JOIN ${m('timeline')}.events e ON e.event_id = s.event_id ${eventJoins(m)}
    WHERE s.room = ${NUMBER(m)} AND ${where} ORDER BY s.place, s.type, s.state_key`;
}

const NOW = 's.until_place IS NULL';
const heldAt = (parameter: string): string =>
  `s.place <= ${parameter} AND (s.until_place > ${parameter} OR s.until_place IS NULL)`;
const heldAtOffset = (parameter: string): string =>
  `s.log_offset <= ${parameter} AND (s.until_offset > ${parameter} OR s.until_offset IS NULL)`;

const STATE_EVENT: ModelSql = (m) => stateSql(m, `s.type = $2 AND s.state_key = $3 AND ${NOW}`);
const STATE_EVENT_AT: ModelSql = (m) => stateSql(m, `s.type = $2 AND s.state_key = $3 AND ${heldAt('$4')}`);
/** `$2` the only type, `$3` the type that is left out. */
const STATE_FILTER = '($2::text IS NULL OR s.type = $2) AND ($3::text IS NULL OR s.type <> $3)';
const STATE: ModelSql = (m) => stateSql(m, `${STATE_FILTER} AND ${NOW}`);
const STATE_AT: ModelSql = (m) => stateSql(m, `${STATE_FILTER} AND ${heldAt('$4')}`);
const STATE_AT_OFFSET: ModelSql = (m) =>
  stateSql(m, `($3::text[] IS NULL OR s.type = ANY ($3::text[])) AND ${heldAtOffset('$2')}`);

const MEMBER_FILTER = `s.type = 'm.room.member' AND ($2::text[] IS NULL OR s.value = ANY ($2::text[]))
  AND ($3::text[] IS NULL OR NOT s.value = ANY ($3::text[]))`;
const MEMBERS: ModelSql = (m) => stateSql(m, `${MEMBER_FILTER} AND ${NOW}`);
const MEMBERS_AT: ModelSql = (m) => stateSql(m, `${MEMBER_FILTER} AND ${heldAt('$4')}`);

/** The last change of each entry within the window. */
function deltaSql(m: (model: string) => string, column: string): string {
  return `SELECT DISTINCT ON (type, state_key) type, state_key, event_id, place, log_offset
    FROM ${m('room_state')}.entries WHERE room = ${NUMBER(m)} AND ${column} > $2 AND ${column} <= $3
    ORDER BY type, state_key, place DESC`;
}
const DELTA_BY_PLACE: ModelSql = (m) => deltaSql(m, 'place');
const DELTA_BY_OFFSET: ModelSql = (m) => deltaSql(m, 'log_offset');

const MEMBER_IDS: ModelSql = (m) => `SELECT s.state_key AS user FROM ${m('room_state')}.entries s
  WHERE s.room = ${NUMBER(m)} AND s.type = 'm.room.member' AND s.value = $2 AND ${NOW}
  ORDER BY s.place, s.state_key`;

/** The counts that are kept, if nothing has come since: mostly so, and then nobody has to be counted. */
const COUNTS_UNCHANGED: ModelSql = (m) => `SELECT joined, invited FROM ${m('room_state')}.rooms
  WHERE room_id = $1 AND log_offset <= $2`;

const COUNTS_AT: ModelSql = (m) => `SELECT count(*) FILTER (WHERE s.value = 'join') AS joined,
    count(*) FILTER (WHERE s.value = 'invite') AS invited
  FROM ${m('room_state')}.entries s
  WHERE s.room = ${NUMBER(m)} AND s.type = 'm.room.member' AND ${heldAtOffset('$2')}`;

/** Each membership by itself is a short range of an index; all members together may be a hundred thousand. */
const HEROES: ModelSql = (m) => `SELECT h.user FROM ${NUMBER(m)} room,
    unnest(ARRAY[0, 0, 1, 1], ARRAY['join', 'invite', 'leave', 'ban']) k(rank, membership),
    LATERAL (SELECT s.state_key AS user, s.place FROM ${m('room_state')}.entries s
      WHERE s.room = room.room AND s.type = 'm.room.member' AND s.value = k.membership AND ${NOW}
        AND s.state_key <> $2 ORDER BY s.place LIMIT $3) h
  ORDER BY k.rank, h.place, h.user LIMIT $3`;

const HEROES_AT: ModelSql = (m) => `SELECT s.state_key AS user FROM ${m('room_state')}.entries s
  WHERE s.room = ${NUMBER(m)} AND s.type = 'm.room.member' AND s.state_key <> $2
    AND s.value IN ('join', 'invite', 'leave', 'ban') AND ${heldAtOffset('$4')}
  ORDER BY s.value NOT IN ('join', 'invite'), s.place, s.state_key LIMIT $3`;

const ROOMS_OF: ModelSql = (m) => `SELECT r.room_id FROM ${m('room_state')}.entries s
  JOIN ${m('room_state')}.rooms r USING (room)
  WHERE s.type = 'm.room.member' AND s.state_key = $1 AND s.value = $2 AND ${NOW} ORDER BY s.room`;

const JOINED_AMONG: ModelSql = (m) => `SELECT r.room_id, s.state_key AS user_id
  FROM ${m('room_state')}.entries s JOIN ${m('room_state')}.rooms r USING (room)
  WHERE s.type = 'm.room.member' AND s.state_key = ANY($1::text[]) AND s.value = 'join'
    AND ($2::text[] IS NULL OR r.room_id = ANY($2)) AND ${NOW} ORDER BY s.room, s.state_key`;

function membershipSql(m: (model: string) => string, where: string): string {
  return `SELECT r.room_id, s.room % $2 AS partition, s.value AS membership, s.previous, s.event_id, s.place,
      s.log_offset, s.until_offset
    FROM ${m('room_state')}.entries s JOIN ${m('room_state')}.rooms r USING (room)
    WHERE s.type = 'm.room.member' AND s.state_key = $1 AND s.value IS NOT NULL AND ${where}
    ORDER BY s.room % $2, s.log_offset`;
}
const MEMBERSHIPS: ModelSql = (m) => membershipSql(m, NOW);
const MEMBERSHIP_HISTORY: ModelSql = (m) => membershipSql(m, 'true');
const MEMBERSHIP_CHANGES: ModelSql = (m) =>
  membershipSql(
    m,
    `EXISTS (SELECT FROM unnest($3::int8[], $4::int8[], $5::int8[]) w(partition, after, up_to)
      WHERE w.partition = s.room % $2 AND s.log_offset > w.after AND s.log_offset <= w.up_to)`,
  );

/** Of a room that the user has forgotten the memberships count no more. */
const VISIBILITY: ModelSql = (
  m,
) => `SELECT type, place, value, EXISTS (SELECT FROM ${m('room_state')}.forgotten f
      WHERE f.room = e.room AND f.user_id = $2 AND NOT EXISTS (SELECT FROM ${m('room_state')}.entries s
        WHERE s.room = f.room AND s.type = 'm.room.member' AND s.state_key = $2 AND s.place > f.place)) AS forgotten
  FROM ${m('room_state')}.entries e
  WHERE room = ${NUMBER(m)} AND ((type = 'm.room.member' AND state_key = $2)
    OR (type = 'm.room.history_visibility' AND state_key = '')) ORDER BY place`;

async function readVisibility(db: ModelDatabase, roomId: RoomId, userId: UserId): Promise<HistoryView> {
  type Row = HistoryStep & { readonly type: string; readonly forgotten: boolean };
  const steps = await db.query<Row>(VISIBILITY, [roomId, userId]);
  const { member = [], setting = [] } = Object.groupBy(steps, ({ type }) =>
    type === 'm.room.member' ? 'member' : 'setting',
  );
  return new HistoryView(userId, setting, steps[0]?.forgotten === true ? [] : member);
}
