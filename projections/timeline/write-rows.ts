import { boolColumn, byteaColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { Statement } from '../framework/model.ts';
import type {
  EventRow,
  MentionRow,
  Redaction,
  RelationKey,
  RelationRow,
  SenderRow,
  ThreadRow,
  TimelineRows,
} from './rows.ts';

/** The SQL of one schema. */
export interface TimelineSql {
  readonly rooms: string;
  readonly events: string;
  readonly mentions: string;
  readonly senders: string;
  readonly threads: string;
  readonly relations: string;
  readonly redactions: string;
  readonly unmention: string;
  readonly unrelate: string;
}

/**
 * Columns of an event that is recorded again: they stay, unless its newer record was redacted within the batch. That
 * it was redacted before stays so whatever a later record says.
 */
function redactedToo(...columns: readonly string[]): string {
  const set = (column: string) =>
    `${column} = CASE WHEN EXCLUDED.redacted_by IS NULL THEN e.${column} ELSE EXCLUDED.${column} END`;
  return columns.map(set).join(', ');
}

/**
 * The statements that write rows into `schema`. Events come first: what is mentioned or related by an event that was
 * redacted before it came into the timeline is not written.
 */
export function timelineSql(schema: string): TimelineSql {
  return {
    rooms: `INSERT INTO ${schema}.rooms SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])`,
    events: `INSERT INTO ${schema}.events AS e SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[],
        $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::bool[], $10::bool[], $11::text[], $12::text[],
        $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[],
        $21::bytea[], $22::bytea[], $23::text[])
      ON CONFLICT (event_id) DO UPDATE SET place = EXCLUDED.place, log_offset = EXCLUDED.log_offset,
        ordinal = EXCLUDED.ordinal, thread_ordinal = EXCLUDED.thread_ordinal, kind = EXCLUDED.kind,
        hops = EXCLUDED.hops, notifies = EXCLUDED.notifies, thread = EXCLUDED.thread, device_id = EXCLUDED.device_id,
        txn_id = EXCLUDED.txn_id, scope = EXCLUDED.scope, command = EXCLUDED.command,
        ${redactedToo('content', 'redacts', 'has_url')}, redacted_by = coalesce(EXCLUDED.redacted_by, e.redacted_by)`,
    mentions: `INSERT INTO ${schema}.mentions SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::bool[],
        $5::text[], $6::text[]) n(user_id, room, place, notifies, sender, thread)
      WHERE NOT EXISTS (SELECT FROM ${schema}.events e WHERE e.room = n.room AND e.place = n.place AND e.kind <= 1
        AND e.redacted_by IS NOT NULL) ON CONFLICT DO NOTHING`,
    senders: `INSERT INTO ${schema}.senders AS s
      SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[], $4::text[])
      ON CONFLICT (room, sender, thread) DO UPDATE SET place = EXCLUDED.place WHERE s.place < EXCLUDED.place`,
    threads: `INSERT INTO ${schema}.threads AS t SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[])
      ON CONFLICT (room, thread) DO UPDATE SET place = EXCLUDED.place WHERE t.place < EXCLUDED.place`,
    relations: `INSERT INTO ${schema}.relations SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[],
        $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        n(room, place, ts, replaces, parent, rel_type, event_id, sender, type, key)
      WHERE NOT EXISTS (SELECT FROM ${schema}.events e WHERE e.event_id = n.event_id
        AND e.redacted_by IS NOT NULL) ON CONFLICT DO NOTHING`,
    unrelate: `DELETE FROM ${schema}.relations r
      USING unnest($1::text[], $2::text[], $3::text[]) b(event_id, parent, rel_type)
      JOIN ${schema}.events e ON e.event_id = b.event_id
      WHERE r.room = e.room AND r.parent = b.parent AND r.rel_type = b.rel_type AND r.place = e.place`,
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
  if (rows.senders.size > 0) statements.push(writeSenders(sql, [...rows.senders.values()]));
  if (rows.threads.size > 0) statements.push(writeThreads(sql, [...rows.threads.values()]));
  if (rows.relations.size > 0) statements.push(writeRelations(sql, [...rows.relations.values()]));
  if (redactions.length > 0) statements.push(...writeRedactions(sql, redactions));
  if (rows.broken.length > 0) statements.push(writeBroken(sql, rows.broken));
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
      int8Column(rows.map((row) => row.thread_ordinal)),
      int8Column(rows.map((row) => row.kind)),
      int8Column(rows.map((row) => row.hops)),
      boolColumn(rows.map((row) => row.has_url)),
      boolColumn(rows.map((row) => row.notifies)),
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
      textColumn(rows.map((row) => row.thread)),
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
      textColumn(rows.map((row) => row.thread)),
    ],
  };
}

function writeSenders(sql: TimelineSql, rows: readonly SenderRow[]): Statement {
  return {
    text: sql.senders,
    values: [
      int8Column(rows.map((row) => row.room)),
      textColumn(rows.map((row) => row.sender)),
      int8Column(rows.map((row) => row.place)),
      textColumn(rows.map((row) => row.thread)),
    ],
  };
}

function writeThreads(sql: TimelineSql, rows: readonly ThreadRow[]): Statement {
  return {
    text: sql.threads,
    values: [
      int8Column(rows.map((row) => row.room)),
      textColumn(rows.map((row) => row.thread)),
      int8Column(rows.map((row) => row.place)),
    ],
  };
}

function writeRelations(sql: TimelineSql, rows: readonly RelationRow[]): Statement {
  return {
    text: sql.relations,
    values: [
      int8Column(rows.map((row) => row.room)),
      int8Column(rows.map((row) => row.place)),
      int8Column(rows.map((row) => row.ts)),
      boolColumn(rows.map((row) => row.replaces)),
      textColumn(rows.map((row) => row.parent)),
      textColumn(rows.map((row) => row.rel_type)),
      textColumn(rows.map((row) => row.event_id)),
      textColumn(rows.map((row) => row.sender)),
      textColumn(rows.map((row) => row.type)),
      textColumn(rows.map((row) => row.key)),
    ],
  };
}

function writeBroken(sql: TimelineSql, keys: readonly RelationKey[]): Statement {
  return {
    text: sql.unrelate,
    values: [
      textColumn(keys.map((key) => key.event_id)),
      textColumn(keys.map((key) => key.parent)),
      textColumn(keys.map((key) => key.rel_type)),
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
