import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { boolColumn, int8Column, textColumn } from '../framework/columns.ts';
import { type StoredEventRow, storedEvents } from '../timeline/stored-event.ts';
import type { SyncEvent } from './sync-event.ts';
import type { StateAsk } from './sync-reads.ts';

const COLUMNS = `n.room_id, e.event_id, e.type, e.sender, e.state_key, e.ts, e.content, e.redacts,
  e.redacted_by, e.place, e.log_offset, e.device_id, e.txn_id, before.event_id AS replaces_state,
  before.place AS replaces_place, replaced.content AS prev_content`;

/** What is needed of entries `s`. */
const ENTRY = 'event_id, place, type, state_key, previous';

/**
 * The events of entries `s` of the room `n`, with the entries that they replaced. Most of a large state are members
 * who have come once: their entries say that they replaced nothing, so nothing is looked up for these.
 */
const joined = (m: (model: string) => string): string => `JOIN ${m('timeline')}.events e USING (event_id)
  LEFT JOIN LATERAL (SELECT x.event_id, x.place FROM ${m('room_state')}.entries x
    WHERE (s.previous IS NOT NULL OR s.type <> 'm.room.member') AND x.room = n.room AND x.type = s.type
      AND x.state_key = s.state_key AND x.place < s.place ORDER BY x.place DESC LIMIT 1) before ON true
  LEFT JOIN ${m('timeline')}.events replaced ON replaced.event_id = before.event_id`;

/** The same, in the room's order. */
const eventsOf = (m: (model: string) => string): string => `${joined(m)} ORDER BY n.room, s.place`;

const HOLDS = 's.place <= a.at AND (s.until_place > a.at OR s.until_place IS NULL)';

/** `$1` rooms, `$2` places, `$3` whether members are wanted. Without them their part of the index is left out. */
const WHOLE: ModelSql = (m) => {
  const part = (where: string): string => `SELECT ${ENTRY} FROM ${m('room_state')}.entries s
    WHERE s.room = n.room AND ${where} AND ${HOLDS}`;
  return `SELECT ${COLUMNS} FROM unnest($1::text[], $2::int8[], $3::bool[]) a(room_id, at, members)
    JOIN ${m('room_state')}.rooms n ON n.room_id = a.room_id
    CROSS JOIN LATERAL (${part("s.type < 'm.room.member'")} UNION ALL ${part("s.type > 'm.room.member'")}
      UNION ALL ${part("a.members AND s.type = 'm.room.member'")}) s
    ${eventsOf(m)}`;
};

/** `$1` rooms, `$2` places behind which, `$3` at which. */
const DIFFERENCE: ModelSql = (m) => `SELECT ${COLUMNS}
  FROM unnest($1::text[], $2::int8[], $3::int8[]) a(room_id, after, at)
  JOIN ${m('room_state')}.rooms n ON n.room_id = a.room_id
  JOIN ${m('room_state')}.entries s ON s.room = n.room AND s.place > a.after AND ${HOLDS}
  ${eventsOf(m)}`;

/** `$1` rooms, `$2` places behind which, `$3` at which, `$4` types, `$5` state keys. */
const KEYS: ModelSql = (m) => `SELECT ${COLUMNS}
  FROM unnest($1::text[], $2::int8[], $3::int8[], $4::text[], $5::text[]) a(room_id, after, at, type, state_key)
  JOIN ${m('room_state')}.rooms n ON n.room_id = a.room_id
  CROSS JOIN LATERAL (SELECT ${ENTRY} FROM ${m('room_state')}.entries x
    WHERE x.room = n.room AND x.type = a.type AND x.state_key = a.state_key AND x.place <= a.at
    ORDER BY x.place DESC LIMIT 1) s
  ${joined(m)}
  WHERE s.place > a.after ORDER BY n.room, s.place`;

/** See `SyncReads.states`. */
export async function readStates(
  db: ModelDatabase,
  asks: readonly StateAsk[],
  types: readonly string[] | undefined,
): Promise<ReadonlyMap<RoomId, readonly SyncEvent[]>> {
  const queries: Promise<readonly StoredEventRow[]>[] = [];
  if (types === undefined) {
    const wholes = asks.filter(({ after }) => after < 0);
    const differences = asks.filter(({ after }) => after >= 0);
    if (wholes.length > 0) queries.push(wholeStates(db, wholes));
    if (differences.length > 0) queries.push(db.query<StoredEventRow>(DIFFERENCE, columns(differences)));
  }
  const keys = asks.flatMap((ask) => keysOf(ask, types ?? []));
  if (keys.length > 0) queries.push(statesByKey(db, keys));
  const rows = (await Promise.all(queries)).flat();
  return Map.groupBy(await storedEvents(db, rows), ({ room_id }) => room_id);
}

interface KeyAsk extends StateAsk {
  readonly type: string;
  readonly state_key: string;
}

function keysOf(ask: StateAsk, types: readonly string[]): readonly KeyAsk[] {
  const members = ask.members === 'all' ? [] : ask.members;
  return [
    ...types.map((type) => ({ ...ask, type, state_key: '' })),
    ...members.map((state_key) => ({ ...ask, type: 'm.room.member', state_key })),
  ];
}

function wholeStates(db: ModelDatabase, asks: readonly StateAsk[]): Promise<readonly StoredEventRow[]> {
  return db.query<StoredEventRow>(WHOLE, [
    textColumn(asks.map(({ room_id }) => room_id)),
    int8Column(asks.map(({ at }) => at)),
    boolColumn(asks.map(({ members }) => members === 'all')),
  ]);
}

function statesByKey(db: ModelDatabase, keys: readonly KeyAsk[]): Promise<readonly StoredEventRow[]> {
  return db.query<StoredEventRow>(KEYS, [
    ...columns(keys),
    textColumn(keys.map(({ type }) => type)),
    textColumn(keys.map(({ state_key }) => state_key)),
  ]);
}

function columns(asks: readonly StateAsk[]): readonly Buffer[] {
  return [
    textColumn(asks.map(({ room_id }) => room_id)),
    int8Column(asks.map(({ after }) => after)),
    int8Column(asks.map(({ at }) => at)),
  ];
}
