import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';

/** What is told of an event's children (spec: client-server API, "Aggregations of child events"). */
export interface EventRelations<E> {
  /** The most recent valid replacement. */
  readonly replacement?: E;
  readonly thread?: {
    /** The newest event of the thread, in the room's order. */
    readonly latest: E;
    readonly count: number;
    /** Whether the reader has sent the root or something in the thread. */
    readonly participated: boolean;
  };
  /** Events that refer to it by `m.reference`, in the room's order. */
  readonly references?: readonly EventId[];
}

/**
 * An event as queries give it: its content is JSON text that is passed on as it stands, so that a page of
 * messages is joined, never parsed and printed again. (Structurally what HTTP and sync print.)
 */
export interface StoredEvent {
  readonly room_id: RoomId;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  /** Null for events that are no state events. */
  readonly state_key: string | null;
  readonly origin_server_ts: number;
  /** JSON of an object. What the redaction rules left, when the event is redacted. */
  readonly content: string;
  /** The event that this redaction redacts. */
  readonly redacts: EventId | null;
  /** Its position in the room's order. */
  readonly place: number;
  /** Its offset on the log. */
  readonly log_offset: number;
  /** The redaction that redacted it. */
  readonly redacted_because?: StoredEvent;
  /** JSON: the content of the state event that it replaced. */
  readonly prev_content?: string;
  /** The event ID of the state event that it replaced. */
  readonly replaces_state?: EventId;
  /** The place of that state event. */
  readonly replaces_place?: number;
  /** The reader's membership as of the event, where a reader is known (`unsigned.membership`). */
  readonly membership?: string;
  /** Who sent it and how, for the echo of the transaction ID. */
  readonly transaction: { readonly device_id: string; readonly txn_id: string } | null;
  /** Where they were asked for and there are any. */
  readonly relations?: EventRelations<StoredEvent>;
}

/** A row of `eventColumns`. */
export interface StoredEventRow {
  readonly room_id: RoomId;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key: string | null;
  readonly ts: number;
  readonly content: string;
  readonly redacts: EventId | null;
  readonly redacted_by: EventId | null;
  readonly place: number;
  readonly log_offset: number;
  readonly device_id: string | null;
  readonly txn_id: string | null;
  readonly replaces_state: EventId | null;
  readonly replaces_place?: number | null;
  readonly prev_content: string | null;
}

/** Columns of a stored event, of the aliases that `eventJoins` makes. */
export const eventColumns = `r.room_id, e.event_id, e.type, e.sender, e.state_key, e.ts, e.content, e.redacts,
  e.redacted_by, e.place, e.log_offset, e.device_id, e.txn_id, before.event_id AS replaces_state,
  before.place AS replaces_place, replaced.content AS prev_content`;

/**
 * What is joined to `timeline.events e`: its room, and for state events the entry that it replaced. The room's
 * number is the same in both models, since both take it from the room's first event.
 */
export function eventJoins(schema: (model: string) => string): string {
  return `JOIN ${schema('timeline')}.rooms r ON r.room = e.room
    LEFT JOIN LATERAL (SELECT x.event_id, x.place FROM ${schema('room_state')}.entries x
      WHERE e.state_key IS NOT NULL AND x.room = e.room AND x.type = e.type AND x.state_key = e.state_key
        AND x.place < e.place ORDER BY x.place DESC LIMIT 1) before ON true
    LEFT JOIN ${schema('timeline')}.events replaced ON replaced.event_id = before.event_id`;
}

/** Makes events of rows; looks up the redactions of those that are redacted. Keeps the order. */
export async function storedEvents(
  db: ModelDatabase,
  rows: readonly StoredEventRow[],
): Promise<readonly StoredEvent[]> {
  const wanted = rows.flatMap(({ redacted_by }) => (redacted_by === null ? [] : [redacted_by]));
  const redactions = wanted.length === 0 ? undefined : await eventsById(db, wanted);
  return rows.map((row) => storedEvent(row, redactions));
}

const BY_ID = (schema: (model: string) => string): string => `SELECT ${eventColumns}
  FROM ${schema('timeline')}.events e ${eventJoins(schema)} WHERE e.event_id = ANY ($1::text[])`;

/** Redactions by ID; that they may be redacted themselves is not told. */
async function eventsById(
  db: ModelDatabase,
  ids: readonly EventId[],
): Promise<ReadonlyMap<EventId, StoredEvent>> {
  const rows = await db.query<StoredEventRow>(BY_ID, [textColumn(ids)]);
  return new Map(rows.map((row) => [row.event_id, storedEvent(row, undefined)]));
}

function storedEvent(
  row: StoredEventRow,
  redactions: ReadonlyMap<EventId, StoredEvent> | undefined,
): StoredEvent {
  const { redacted_by, device_id, txn_id, prev_content, replaces_state, replaces_place } = row;
  const redaction = redacted_by === null ? undefined : redactions?.get(redacted_by);
  return {
    room_id: row.room_id,
    event_id: row.event_id,
    type: row.type,
    sender: row.sender,
    state_key: row.state_key,
    origin_server_ts: row.ts,
    content: row.content,
    redacts: row.redacts,
    place: row.place,
    log_offset: row.log_offset,
    ...(redaction === undefined ? {} : { redacted_because: redaction }),
    ...(prev_content === null ? {} : { prev_content }),
    ...(replaces_state === null ? {} : { replaces_state }),
    ...(typeof replaces_place === 'number' ? { replaces_place } : {}),
    transaction: device_id === null || txn_id === null ? null : { device_id, txn_id },
  };
}
