import { boolColumn, byteaColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { Statement } from '../framework/model.ts';

/** What became of an event: the numbers of `events.kind`. */
export const eventKinds = { event: 0, backfilled: 1, outlier: 2, soft_failed: 3, rejected: 4 } as const;

/** A row of `events`. */
export interface EventRow {
  readonly room: number;
  readonly place: number;
  readonly log_offset: number;
  readonly ts: number;
  readonly ordinal: number | null;
  readonly kind: number;
  has_url: boolean;
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key: string | null;
  content: string;
  redacts: string | null;
  redacted_by: string | null;
  readonly skeleton: string | null;
  readonly device_id: string | null;
  readonly txn_id: string | null;
  readonly scope: Uint8Array | null;
  readonly command: Uint8Array | null;
}

/** An event that is recorded again: what its newer record says of it; the event itself is the same. */
export function recordedAgain(before: EventRow, now: EventRow): EventRow {
  const { place, log_offset, ordinal, kind, device_id, txn_id, scope, command } = now;
  return { ...before, place, log_offset, ordinal, kind, device_id, txn_id, scope, command };
}

/** A row of `mentions`. */
export interface MentionRow {
  readonly user_id: string;
  readonly room: number;
  readonly place: number;
  readonly notifies: boolean;
  readonly sender: string;
}

/** A redaction of an event that was stored earlier: what is left of it. */
export interface Redaction {
  readonly event_id: string;
  readonly content: string;
  readonly redacts: string | null;
  readonly redacted_by: string;
}

/** All that a batch writes. */
export interface TimelineRows {
  readonly rooms: { readonly room: number; readonly room_id: string; readonly version: string }[];
  /** By event ID: an event may be recorded again, say first as an outlier; the last record counts. */
  readonly events: Map<string, EventRow>;
  readonly mentions: MentionRow[];
  /** By room and sender. */
  readonly senders: Map<string, { readonly room: number; readonly sender: string; place: number }>;
  readonly redactions: Redaction[];
}

/** No rows yet. */
export function noRows(): TimelineRows {
  return { rooms: [], events: new Map(), mentions: [], senders: new Map(), redactions: [] };
}

/** The SQL of one schema. */
export interface TimelineSql {
  readonly rooms: string;
  readonly events: string;
  readonly mentions: string;
  readonly senders: string;
  readonly redactions: string;
  readonly unmention: string;
}

/** The statements that write rows into `schema`. */
export function timelineSql(schema: string): TimelineSql {
  return {
    rooms: `INSERT INTO ${schema}.rooms SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])`,
    events: `INSERT INTO ${schema}.events SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[],
        $5::int8[], $6::int8[], $7::bool[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
        $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[], $19::bytea[])
      ON CONFLICT (event_id) DO UPDATE SET place = EXCLUDED.place, log_offset = EXCLUDED.log_offset,
        ordinal = EXCLUDED.ordinal, kind = EXCLUDED.kind, device_id = EXCLUDED.device_id,
        txn_id = EXCLUDED.txn_id, scope = EXCLUDED.scope, command = EXCLUDED.command`,
    mentions: `INSERT INTO ${schema}.mentions
      SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::bool[], $5::text[]) ON CONFLICT DO NOTHING`,
    senders: `INSERT INTO ${schema}.senders AS s SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[])
      ON CONFLICT (room, sender) DO UPDATE SET place = EXCLUDED.place WHERE s.place < EXCLUDED.place`,
    redactions: `UPDATE ${schema}.events e SET content = r.content, redacts = r.redacts,
        redacted_by = r.redacted_by, has_url = false
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) r(event_id, content, redacts, redacted_by)
      WHERE e.event_id = r.event_id`,
    unmention: `DELETE FROM ${schema}.mentions m USING ${schema}.events e
      WHERE e.event_id = ANY ($1::text[]) AND m.room = e.room AND m.place = e.place`,
  };
}

/** The writes for some rows: one statement per table that has any. */
export function writeRows(sql: TimelineSql, rows: TimelineRows): readonly Statement[] {
  const statements: Statement[] = [];
  const { rooms, mentions, redactions } = rows;
  if (rooms.length > 0) {
    const values = [
      int8Column(rooms.map((row) => row.room)),
      textColumn(rooms.map((row) => row.room_id)),
      textColumn(rooms.map((row) => row.version)),
    ];
    statements.push({ text: sql.rooms, values });
  }
  if (rows.events.size > 0) statements.push(writeEvents(sql, [...rows.events.values()]));
  if (mentions.length > 0) statements.push(writeMentions(sql, mentions));
  if (rows.senders.size > 0) {
    const senders = [...rows.senders.values()];
    const values = [
      int8Column(senders.map((row) => row.room)),
      textColumn(senders.map((row) => row.sender)),
      int8Column(senders.map((row) => row.place)),
    ];
    statements.push({ text: sql.senders, values });
  }
  if (redactions.length > 0) statements.push(...writeRedactions(sql, redactions));
  return statements;
}

function writeEvents(sql: TimelineSql, rows: readonly EventRow[]): Statement {
  return {
    text: sql.events,
    values: [
      int8Column(rows.map((row) => row.room)),
      int8Column(rows.map((row) => row.place)),
      int8Column(rows.map((row) => row.log_offset)),
      int8Column(rows.map((row) => row.ts)),
      int8Column(rows.map((row) => row.ordinal)),
      int8Column(rows.map((row) => row.kind)),
      boolColumn(rows.map((row) => row.has_url)),
      textColumn(rows.map((row) => row.event_id)),
      textColumn(rows.map((row) => row.type)),
      textColumn(rows.map((row) => row.sender)),
      textColumn(rows.map((row) => row.state_key)),
      textColumn(rows.map((row) => row.content)),
      textColumn(rows.map((row) => row.redacts)),
      textColumn(rows.map((row) => row.redacted_by)),
      textColumn(rows.map((row) => row.skeleton)),
      textColumn(rows.map((row) => row.device_id)),
      textColumn(rows.map((row) => row.txn_id)),
      byteaColumn(rows.map((row) => row.scope)),
      byteaColumn(rows.map((row) => row.command)),
    ],
  };
}

function writeMentions(sql: TimelineSql, rows: readonly MentionRow[]): Statement {
  return {
    text: sql.mentions,
    values: [
      textColumn(rows.map((row) => row.user_id)),
      int8Column(rows.map((row) => row.room)),
      int8Column(rows.map((row) => row.place)),
      boolColumn(rows.map((row) => row.notifies)),
      textColumn(rows.map((row) => row.sender)),
    ],
  };
}

function writeRedactions(sql: TimelineSql, rows: readonly Redaction[]): readonly Statement[] {
  const ids = textColumn(rows.map((row) => row.event_id));
  const values = [
    ids,
    textColumn(rows.map((row) => row.content)),
    textColumn(rows.map((row) => row.redacts)),
    textColumn(rows.map((row) => row.redacted_by)),
  ];
  return [
    { text: sql.unmention, values: [ids] },
    { text: sql.redactions, values },
  ];
}
