import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { boolColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { Parameter } from '../framework/model.ts';
import type { PlaceRange } from '../room_state/visibility.ts';
import {
  type EventRelations,
  eventColumns,
  eventJoins,
  type StoredEvent,
  type StoredEventRow,
  storedEvents,
} from './stored-event.ts';
import { storedRelation } from './stored-relation.ts';

/** Who reads, and which children that user may see. */
export interface Reader {
  readonly user_id: UserId;
  readonly ignored: readonly string[];
  /** By room. */
  readonly visible: ReadonlyMap<RoomId, readonly PlaceRange[]>;
}

/** What is looked at of an event. */
interface Parent {
  readonly room_id: RoomId;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key: string | null;
  readonly content: string;
  readonly redacted_because?: object;
}

interface Row {
  readonly parent: EventId;
  readonly replacement: EventId | null;
  readonly latest: EventId | null;
  readonly count: number;
  readonly participated: boolean | null;
  readonly references: readonly EventId[] | null;
}

/**
 * `$1` rooms, `$2` events, `$3` senders, `$4` types, `$5` whether they may be replaced, `$6` whether they may be
 * roots of threads; `$7` the reader, `$8` users ignored; `$9`, `$10`, `$11` rooms, from where and to where the
 * reader sees. One probe of the index for each event.
 */
const CHILDREN: ModelSql = (
  m,
) => `SELECT g.parent, g.replacement, g.count, g.participated, g.refs AS references,
    (SELECT l.event_id FROM ${m('timeline')}.relations l WHERE l.room = g.room AND l.parent = g.parent
      AND l.rel_type = 'm.thread' AND l.place = g.last) AS latest
  FROM (SELECT n.room, a.event_id AS parent,
      count(*) FILTER (WHERE c.rel_type = 'm.thread') AS count,
      max(c.place) FILTER (WHERE c.rel_type = 'm.thread') AS last,
      bool_or(c.rel_type = 'm.thread' AND $7 IN (c.sender, a.sender)) AS participated,
      array_agg(c.event_id ORDER BY c.place) FILTER (WHERE c.rel_type = 'm.reference') AS refs,
      (array_agg(c.event_id ORDER BY c.ts DESC, c.event_id COLLATE "C" DESC)
        FILTER (WHERE c.rel_type = 'm.replace'))[1] AS replacement
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::bool[])
      a(room_id, event_id, sender, type, replaceable, root)
    JOIN ${m('timeline')}.rooms n ON n.room_id = a.room_id
    JOIN ${m('timeline')}.relations c ON c.room = n.room AND c.parent = a.event_id AND CASE c.rel_type
        WHEN 'm.reference' THEN true
        WHEN 'm.thread' THEN a.root
        WHEN 'm.replace' THEN a.replaceable AND c.replaces AND c.sender = a.sender AND c.type = a.type
        ELSE false END
      AND NOT c.sender = ANY ($8::text[])
      AND EXISTS (SELECT FROM unnest($9::text[], $10::int8[], $11::int8[]) v(room_id, first, last)
        WHERE v.room_id = a.room_id AND c.place BETWEEN v.first AND v.last)
    GROUP BY n.room, a.event_id) g`;

const EVENTS: ModelSql = (m) => `SELECT ${eventColumns} FROM ${m('timeline')}.events e ${eventJoins(m)}
  WHERE e.event_id = ANY ($1::text[]) AND e.kind <= 1`;

/** Aggregations nest: the latest event of a thread has its own. No deeper, since threads do not. */
const DEEPEST = 1;

/**
 * What is told of the children of some events; nothing of those that have none. State events have none told.
 * Costs one query where there are no children, and three or four where there are.
 */
export async function readRelations(
  db: ModelDatabase,
  events: readonly Parent[],
  reader: Reader,
  depth = 0,
): Promise<ReadonlyMap<EventId, EventRelations<StoredEvent>>> {
  const parents = events.filter(({ state_key }) => state_key === null);
  if (parents.length === 0) return new Map();
  const rows = await db.query<Row>(CHILDREN, [...parentColumns(parents), ...readerValues(reader)]);
  const ids = rows.flatMap(({ replacement, latest }) => [replacement, latest].filter((id) => id !== null));
  const found =
    ids.length === 0 ? [] : await storedEvents(db, await db.query<StoredEventRow>(EVENTS, [textColumn(ids)]));
  const nested = depth < DEEPEST ? await readRelations(db, found, reader, depth + 1) : NONE;
  const children = new Map(found.map((event) => [event.event_id, withRelations(event, nested)]));
  return new Map(rows.map((row) => [row.parent, relationsOf(row, children)]));
}

const NONE: ReadonlyMap<EventId, EventRelations<StoredEvent>> = new Map();

/** The event with what is told of its children. */
export function withRelations<E extends { readonly event_id: EventId }, R>(
  event: E,
  all: ReadonlyMap<EventId, EventRelations<R>>,
): E & { readonly relations?: EventRelations<R> } {
  const relations = all.get(event.event_id);
  return relations === undefined ? event : { ...event, relations };
}

function relationsOf(
  { replacement, latest, count, participated, references }: Row,
  events: ReadonlyMap<EventId, StoredEvent>,
): EventRelations<StoredEvent> {
  const edit = replacement === null ? undefined : events.get(replacement);
  const last = latest === null ? undefined : events.get(latest);
  return {
    ...(edit === undefined ? {} : { replacement: edit }),
    ...(last === undefined ? {} : { thread: { latest: last, count, participated: participated === true } }),
    ...(references === null ? {} : { references }),
  };
}

function parentColumns(parents: readonly Parent[]): readonly Parameter[] {
  // How they are children themselves.
  const related = parents.map(({ content }) => storedRelation(content)?.rel_type);
  return [
    textColumn(parents.map(({ room_id }) => room_id)),
    textColumn(parents.map(({ event_id }) => event_id)),
    textColumn(parents.map(({ sender }) => sender)),
    textColumn(parents.map(({ type }) => type)),
    boolColumn(parents.map((one, at) => one.redacted_because === undefined && related[at] !== 'm.replace')),
    boolColumn(related.map((type) => type === undefined)),
  ];
}

function readerValues({ user_id, ignored, visible }: Reader): readonly Parameter[] {
  const ranges = [...visible].flatMap(([room, list]) => list.map((range) => ({ room, ...range })));
  return [
    user_id,
    textColumn(ignored),
    textColumn(ranges.map(({ room }) => room)),
    int8Column(ranges.map(({ from }) => from)),
    int8Column(ranges.map(({ to }) => to)),
  ];
}
