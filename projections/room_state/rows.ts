import { byteaColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { Statement } from '../framework/model.ts';

/** A row of `rooms`. */
export interface RoomRow {
  readonly room: number;
  place: number;
  log_offset: number;
  joined: number;
  invited: number;
  readonly room_id: string;
  readonly version: string;
  creator: string;
  root: Uint8Array;
  extremities: readonly (readonly [eventId: string, depth: number, hash?: string])[];
}

/** A row of `entries`. */
export interface EntryRow {
  readonly room: number;
  readonly place: number;
  readonly log_offset: number;
  until_place: number | null;
  until_offset: number | null;
  readonly type: string;
  readonly state_key: string;
  readonly event_id: string | null;
  readonly value: string | null;
  readonly previous: string | null;
}

/** The end of an entry that an earlier batch has stored. */
export interface EntryEnd {
  readonly room: number;
  readonly type: string;
  readonly state_key: string;
  readonly until_place: number;
  readonly until_offset: number;
}

/** A row of `sagas`. */
export interface SagaRow {
  readonly saga: string;
  readonly partition: number;
  readonly log_offset: number;
  readonly room_id: string;
  readonly alias: string | null;
  readonly command: string | null;
}

/** All that a batch writes. */
export interface RoomStateRows {
  readonly rooms: Map<number, RoomRow>;
  readonly entries: EntryRow[];
  readonly ends: EntryEnd[];
  readonly others: { readonly room: number; readonly event_id: string; readonly value: string | null }[];
  /** By room and user. */
  readonly forgotten: Map<
    string,
    { readonly room: number; readonly user_id: string; readonly place: number }
  >;
  readonly sagas: Map<string, SagaRow>;
  readonly endedSagas: string[];
}

/** No rows yet. */
export function noRows(): RoomStateRows {
  return {
    rooms: new Map(),
    entries: [],
    ends: [],
    others: [],
    forgotten: new Map(),
    sagas: new Map(),
    endedSagas: [],
  };
}

/** The SQL of one schema. */
export interface RoomStateSql {
  readonly rooms: string;
  readonly entries: string;
  readonly ends: string;
  readonly others: string;
  readonly forgotten: string;
  readonly sagas: string;
  readonly endedSagas: string;
}

/** The statements that write rows into `schema`. */
export function roomStateSql(schema: string): RoomStateSql {
  return {
    rooms: `INSERT INTO ${schema}.rooms SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[],
        $5::int8[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::text[])
      ON CONFLICT (room) DO UPDATE SET place = EXCLUDED.place, log_offset = EXCLUDED.log_offset,
        joined = EXCLUDED.joined, invited = EXCLUDED.invited, root = EXCLUDED.root,
        creator = EXCLUDED.creator, extremities = EXCLUDED.extremities`,
    entries: `INSERT INTO ${schema}.entries SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[],
        $4::int8[], $5::int8[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])`,
    ends: `UPDATE ${schema}.entries e SET until_place = u.until_place, until_offset = u.until_offset
      FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[], $5::int8[])
        u(room, type, state_key, until_place, until_offset)
      WHERE e.room = u.room AND e.type = u.type AND e.state_key = u.state_key AND e.until_place IS NULL`,
    others: `INSERT INTO ${schema}.other_events SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])
      ON CONFLICT DO NOTHING`,
    forgotten: `INSERT INTO ${schema}.forgotten SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[])
      ON CONFLICT (room, user_id) DO UPDATE SET place = EXCLUDED.place`,
    sagas: `INSERT INTO ${schema}.sagas
      SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[])
      ON CONFLICT (saga) DO NOTHING`,
    endedSagas: `DELETE FROM ${schema}.sagas WHERE saga = ANY ($1::text[])`,
  };
}

/** The writes for some rows: one statement per table that has any. What ends goes before what begins. */
export function writeRows(sql: RoomStateSql, rows: RoomStateRows): readonly Statement[] {
  const statements: Statement[] = [];
  if (rows.rooms.size > 0) statements.push(writeRooms(sql, [...rows.rooms.values()]));
  if (rows.ends.length > 0) statements.push(writeEnds(sql, rows.ends));
  if (rows.entries.length > 0) statements.push(writeEntries(sql, rows.entries));
  if (rows.others.length > 0) {
    const values = [
      int8Column(rows.others.map((row) => row.room)),
      textColumn(rows.others.map((row) => row.event_id)),
      textColumn(rows.others.map((row) => row.value)),
    ];
    statements.push({ text: sql.others, values });
  }
  if (rows.forgotten.size > 0) {
    const forgotten = [...rows.forgotten.values()];
    const values = [
      int8Column(forgotten.map((row) => row.room)),
      textColumn(forgotten.map((row) => row.user_id)),
      int8Column(forgotten.map((row) => row.place)),
    ];
    statements.push({ text: sql.forgotten, values });
  }
  if (rows.sagas.size > 0) statements.push(writeSagas(sql, [...rows.sagas.values()]));
  if (rows.endedSagas.length > 0) {
    statements.push({ text: sql.endedSagas, values: [textColumn(rows.endedSagas)] });
  }
  return statements;
}

function writeRooms(sql: RoomStateSql, rows: readonly RoomRow[]): Statement {
  return {
    text: sql.rooms,
    values: [
      int8Column(rows.map((row) => row.room)),
      int8Column(rows.map((row) => row.place)),
      int8Column(rows.map((row) => row.log_offset)),
      int8Column(rows.map((row) => row.joined)),
      int8Column(rows.map((row) => row.invited)),
      textColumn(rows.map((row) => row.room_id)),
      textColumn(rows.map((row) => row.version)),
      textColumn(rows.map((row) => row.creator)),
      byteaColumn(rows.map((row) => row.root)),
      textColumn(rows.map((row) => JSON.stringify(row.extremities))),
    ],
  };
}

function writeEnds(sql: RoomStateSql, rows: readonly EntryEnd[]): Statement {
  return {
    text: sql.ends,
    values: [
      int8Column(rows.map((row) => row.room)),
      textColumn(rows.map((row) => row.type)),
      textColumn(rows.map((row) => row.state_key)),
      int8Column(rows.map((row) => row.until_place)),
      int8Column(rows.map((row) => row.until_offset)),
    ],
  };
}

function writeEntries(sql: RoomStateSql, rows: readonly EntryRow[]): Statement {
  return {
    text: sql.entries,
    values: [
      int8Column(rows.map((row) => row.room)),
      int8Column(rows.map((row) => row.place)),
      int8Column(rows.map((row) => row.log_offset)),
      int8Column(rows.map((row) => row.until_place)),
      int8Column(rows.map((row) => row.until_offset)),
      textColumn(rows.map((row) => row.type)),
      textColumn(rows.map((row) => row.state_key)),
      textColumn(rows.map((row) => row.event_id)),
      textColumn(rows.map((row) => row.value)),
      textColumn(rows.map((row) => row.previous)),
    ],
  };
}

function writeSagas(sql: RoomStateSql, rows: readonly SagaRow[]): Statement {
  return {
    text: sql.sagas,
    values: [
      textColumn(rows.map((row) => row.saga)),
      int8Column(rows.map((row) => row.partition)),
      int8Column(rows.map((row) => row.log_offset)),
      textColumn(rows.map((row) => row.room_id)),
      textColumn(rows.map((row) => row.alias)),
      textColumn(rows.map((row) => row.command)),
    ],
  };
}
