import type { Pdu } from '../../src/matrix/event.ts';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';
import type { Parameter } from '../framework/model.ts';
import { toPostgresText } from '../framework/postgres-text.ts';
import { type EventFilter, filterSql, filterValues, type PageBounds, type TimeBounds } from './page-query.ts';
import {
  eventColumns,
  eventJoins,
  type StoredEvent,
  type StoredEventRow,
  storedEvents,
} from './stored-event.ts';
import { storedRelation } from './stored-relation.ts';

/** A mention of a user or of the whole room. */
export interface Mention {
  readonly place: number;
  readonly sender: UserId;
  /** Whether the event counts as a notification without the mention. */
  readonly notifies: boolean;
  /** The whole room was mentioned, not the user by name. */
  readonly room: boolean;
}

/** An annotation (spec: client-server API, "Event annotations and reactions"). */
export interface Annotation {
  /** What is annotated. */
  readonly parent: EventId;
  readonly type: string;
  readonly key: string;
  readonly sender: UserId;
}

/** An annotation that is there, and how it was sent. */
export interface FoundAnnotation {
  readonly event_id: EventId;
  readonly device_id: string | null;
  readonly txn_id: string | null;
}

/** Where an event stands. */
export interface EventPlace {
  readonly place: number;
  /** The root of the thread that it is in; null for the main timeline. */
  readonly thread: EventId | null;
}

/**
 * Queries of `timeline`. They look at nobody's rights: `visible-timeline.ts` does. Rejected and soft-failed
 * events and outliers are left out, but in `eventsByIds` and `pdus`.
 */
export interface TimelineQueries {
  /** An event of the room. */
  event(roomId: RoomId, eventId: EventId): Promise<StoredEvent | undefined>;
  /** An event, in whatever room it is. */
  eventAnywhere(eventId: EventId): Promise<StoredEvent | undefined>;
  /** Events by ID, whatever became of them but for rejected ones; in no particular order. */
  eventsByIds(eventIds: readonly EventId[]): Promise<ReadonlyMap<EventId, StoredEvent>>;
  /** State events of a room by ID, as full PDUs. */
  pdus(roomId: RoomId, eventIds: readonly EventId[]): Promise<ReadonlyMap<EventId, Pdu>>;
  /** Where an event of the room stands. */
  whereIs(roomId: RoomId, eventId: EventId): Promise<EventPlace | undefined>;
  /** Events in the order of the direction; see `PageBounds`. */
  page(roomId: RoomId, bounds: PageBounds): Promise<readonly StoredEvent[]>;
  /** Events by their time, nearest first; see `TimeBounds`. */
  closest(roomId: RoomId, bounds: TimeBounds): Promise<readonly StoredEvent[]>;
  /** The newest `limit` events at or before an offset of the log, oldest first. For a sync's timeline. */
  latest(
    roomId: RoomId,
    upTo: { readonly offset: number; readonly after?: number },
    limit: number,
    filter?: EventFilter,
  ): Promise<readonly StoredEvent[]>;
  /** Notifying events of the room up to a place (inclusive), or now. 0 where there are none. */
  ordinal(roomId: RoomId, place?: number): Promise<number>;
  /** Mentions of the user, or of the whole room, behind a place; by others than the user. */
  mentions(roomId: RoomId, userId: UserId, afterPlace: number): Promise<readonly Mention[]>;
  /** The place of the newest live event that the user has sent into the room; 0 when there is none. */
  lastSent(roomId: RoomId, userId: UserId): Promise<number>;
  /** Whether an event is a child: related to another by a `rel_type`. Undefined when it is not known in the room. */
  isChild(roomId: RoomId, eventId: EventId): Promise<boolean | undefined>;
  /** The annotation of an event with the same type, key and sender, if there is one that was not redacted. */
  annotation(roomId: RoomId, annotation: Annotation): Promise<FoundAnnotation | undefined>;
  /** What the repeatable commands of one device (its scope) in a room led to: command ID (hex) → event. */
  commands(roomId: RoomId, scope: string): Promise<ReadonlyMap<string, EventId>>;
}

/** The queries of `timeline` over the schema that is active. */
export function timelineQueries(db: ModelDatabase): TimelineQueries {
  const events = async (sql: ModelSql, values: readonly Parameter[]): Promise<readonly StoredEvent[]> =>
    storedEvents(db, await db.query<StoredEventRow>(sql, values));
  const number = async (sql: ModelSql, values: readonly Parameter[]): Promise<number | undefined> =>
    (await db.query<{ value: number }>(sql, values))[0]?.value;
  return {
    event: async (roomId, eventId) => (await events(EVENT, [roomId, eventId]))[0],
    eventAnywhere: async (eventId) => (await events(EVENT_ANYWHERE, [eventId]))[0],
    eventsByIds: async (ids) =>
      new Map((await events(BY_IDS, [textColumn(ids)])).map((event) => [event.event_id, event])),
    pdus: (roomId, ids) => readPdus(db, roomId, ids),
    whereIs: async (roomId, eventId) => (await db.query<EventPlace>(PLACE, [roomId, eventId]))[0],
    page: (roomId, bounds) => {
      const { direction, from, to, limit, filter } = bounds;
      const [sql, first, last] =
        direction === 'b' ? [BACK, from ?? MOST, to ?? LEAST] : [FORTH, from ?? LEAST, to ?? MOST];
      return events(sql, [roomId, first, last, limit, ...filterValues(filter)]);
    },
    closest: (roomId, { direction, ts, place, first, last, limit }) => {
      const [sql, behind] = direction === 'b' ? [EARLIER, MOST] : [LATER, LEAST];
      return events(sql, [roomId, ts, place ?? behind, limit, first, last]);
    },
    latest: async (roomId, { offset, after }, limit, filter) => {
      const found = await events(LATEST, [roomId, offset, after ?? LEAST, limit, ...filterValues(filter)]);
      return found.toReversed();
    },
    ordinal: async (roomId, place) => (await number(ORDINAL, [roomId, place ?? MOST])) ?? 0,
    mentions: (roomId, userId, afterPlace) => db.query<Mention>(MENTIONS, [roomId, userId, afterPlace]),
    lastSent: async (roomId, userId) => (await number(LAST_SENT, [roomId, userId])) ?? 0,
    isChild: async (roomId, eventId) => {
      const [row] = await db.query<{ content: string }>(CONTENT, [roomId, eventId]);
      return row && storedRelation(row.content) !== undefined;
    },
    annotation: async (roomId, { parent, type, key, sender }) =>
      (await db.query<FoundAnnotation>(ANNOTATION, [roomId, parent, sender, type, toPostgresText(key)]))[0],
    commands: (roomId, scope) => readCommands(db, roomId, scope),
  };
}

const LEAST = Number.MIN_SAFE_INTEGER;
const MOST = Number.MAX_SAFE_INTEGER;

const EVENT: ModelSql = (m) => `SELECT ${eventColumns} FROM ${m('timeline')}.events e ${eventJoins(m)}
  WHERE r.room_id = $1 AND e.event_id = $2 AND e.kind <= 1`;

const EVENT_ANYWHERE: ModelSql = (m) => `SELECT ${eventColumns} FROM ${m('timeline')}.events e
  ${eventJoins(m)} WHERE e.event_id = $1 AND e.kind <= 1`;

/** `$1` room, `$2` time and `$3` place behind which, `$4` limit, `$5` and `$6` places between which. */
function byTime(m: (model: string) => string, comparison: '<' | '>', order: 'ASC' | 'DESC'): string {
  const sorted = `ORDER BY e.ts ${order}, e.place ${order}`;
  return `SELECT ${eventColumns} FROM (SELECT * FROM ${m('timeline')}.events e
      WHERE e.room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1) AND e.kind <= 1
        AND (e.ts, e.place) ${comparison} ($2::int8, $3::int8) AND e.place BETWEEN $5 AND $6
      ${sorted} LIMIT $4) e
    ${eventJoins(m)} ${sorted}`;
}
const EARLIER: ModelSql = (m) => byTime(m, '<', 'DESC');
const LATER: ModelSql = (m) => byTime(m, '>', 'ASC');

const BY_IDS: ModelSql = (m) => `SELECT ${eventColumns} FROM ${m('timeline')}.events e ${eventJoins(m)}
  WHERE e.event_id = ANY ($1::text[]) AND e.kind <= 3`;

const PLACE: ModelSql = (m) => `SELECT e.place, e.thread FROM ${m('timeline')}.events e
  JOIN ${m('timeline')}.rooms r USING (room) WHERE r.room_id = $1 AND e.event_id = $2 AND e.kind <= 1`;

/** `$1` room, then values of `filterValues` from `$5` on. */
function pageSql(m: (model: string) => string, where: string, order: string): string {
  // The page is cut first, so that only its events are joined to what they replaced.
  return `SELECT ${eventColumns} FROM (SELECT * FROM ${m('timeline')}.events e
      WHERE e.room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1) AND e.kind <= 1
        AND ${where} AND ${filterSql('e')} ORDER BY ${order} LIMIT $4) e
    ${eventJoins(m)} ORDER BY ${order}`;
}

const BACK: ModelSql = (m) => pageSql(m, 'e.place < $2 AND e.place >= $3', 'e.place DESC');
const FORTH: ModelSql = (m) => pageSql(m, 'e.place >= $2 AND e.place < $3', 'e.place');
const LATEST: ModelSql = (m) =>
  pageSql(m, 'e.log_offset <= $2 AND e.log_offset > $3 AND e.ordinal IS NOT NULL', 'e.place DESC');

const ORDINAL: ModelSql = (m) => `SELECT e.ordinal AS value FROM ${m('timeline')}.events e
  WHERE e.room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1) AND e.kind <= 1
    AND e.place <= $2 AND e.ordinal IS NOT NULL ORDER BY e.place DESC LIMIT 1`;

const MENTIONS: ModelSql = (m) => `SELECT place, sender, notifies, user_id = '' AS room
  FROM ${m('timeline')}.mentions
  WHERE room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1)
    AND user_id IN ($2, '') AND place > $3 AND sender <> $2 ORDER BY place`;

const LAST_SENT: ModelSql = (m) => `SELECT max(place) AS value FROM ${m('timeline')}.senders
  WHERE room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1) AND sender = $2`;

const CONTENT: ModelSql = (m) => `SELECT e.content FROM ${m('timeline')}.events e
  JOIN ${m('timeline')}.rooms r USING (room) WHERE r.room_id = $1 AND e.event_id = $2 AND e.kind <= 1`;

const ANNOTATION: ModelSql = (m) => `SELECT e.event_id, e.device_id, e.txn_id
  FROM ${m('timeline')}.relations c JOIN ${m('timeline')}.events e USING (event_id)
  WHERE c.room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1) AND c.parent = $2
    AND c.rel_type = 'm.annotation' AND c.sender = $3 AND c.type = $4 AND c.key = $5 LIMIT 1`;

const COMMANDS: ModelSql = (m) => `SELECT e.command, e.event_id FROM ${m('timeline')}.events e
  WHERE e.scope = $2 AND e.room = (SELECT room FROM ${m('timeline')}.rooms WHERE room_id = $1)`;

async function readCommands(
  db: ModelDatabase,
  roomId: RoomId,
  scope: string,
): Promise<ReadonlyMap<string, EventId>> {
  type Row = { readonly command: Buffer; readonly event_id: EventId };
  const rows = await db.query<Row>(COMMANDS, [roomId, Buffer.from(scope, 'hex')]);
  return new Map(rows.map((row) => [scope + row.command.toString('hex'), row.event_id]));
}

const PDUS: ModelSql = (m) => `SELECT e.event_id, e.skeleton, e.content FROM ${m('timeline')}.events e
  JOIN ${m('timeline')}.rooms r USING (room)
  WHERE e.event_id = ANY ($2::text[]) AND r.room_id = $1 AND e.skeleton IS NOT NULL AND e.kind <= 3`;

async function readPdus(
  db: ModelDatabase,
  roomId: RoomId,
  ids: readonly EventId[],
): Promise<ReadonlyMap<EventId, Pdu>> {
  type Row = { readonly event_id: EventId; readonly skeleton: string; readonly content: string };
  const rows = await db.query<Row>(PDUS, [roomId, textColumn(ids)]);
  return new Map(
    rows.map(({ event_id, skeleton, content }) => {
      const pdu: Pdu = { ...JSON.parse(skeleton), content: JSON.parse(content) };
      return [event_id, pdu];
    }),
  );
}
