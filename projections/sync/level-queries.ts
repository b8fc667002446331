import { asUserId, type EventId, type RoomId } from '../../src/matrix/identifiers.ts';
import { type PowerLevels, powerLevels } from '../../src/matrix/power-levels.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';

/** `$1` rooms. All that ever said who may do what there, oldest first. */
const LEVELS: ModelSql = (m) => `SELECT n.room_id, n.version, s.place, s.type, e.event_id, e.sender, e.content
  FROM ${m('timeline')}.rooms n
  JOIN ${m('room_state')}.entries s ON s.room = n.room
  JOIN ${m('timeline')}.events e ON e.event_id = s.event_id
  WHERE n.room_id = ANY ($1::text[]) AND s.type IN ('m.room.create', 'm.room.power_levels') AND s.state_key = ''
  ORDER BY s.place`;

interface Row {
  readonly room_id: RoomId;
  readonly version: string;
  readonly place: number;
  readonly type: string;
  readonly event_id: EventId;
  readonly sender: string;
  readonly content: string;
}

/** The power levels of a room in the state at a place. */
export type LevelsAt = (roomId: RoomId, place: number) => PowerLevels;

const NOBODY_MAY: PowerLevels = {
  of: () => Number.NEGATIVE_INFINITY,
  required: () => Number.POSITIVE_INFINITY,
  notification: () => Number.POSITIVE_INFINITY,
  invite: Number.POSITIVE_INFINITY,
  kick: Number.POSITIVE_INFINITY,
  ban: Number.POSITIVE_INFINITY,
  redact: Number.POSITIVE_INFINITY,
};

/** Whether these levels let a member mention the whole room. */
export function mayMentionRoom(levels: PowerLevels, sender: string): boolean {
  return levels.of(sender) >= levels.notification('room');
}

/** Reads the history of rooms' power levels: one query for all rooms and places. */
export async function readLevels(db: ModelDatabase, rooms: readonly RoomId[]): Promise<LevelsAt> {
  if (rooms.length === 0) return () => NOBODY_MAY;
  const byRoom = Map.groupBy(await db.query<Row>(LEVELS, [textColumn(rooms)]), ({ room_id }) => room_id);
  const known = new Map<Row, PowerLevels>();
  return (roomId, place) => {
    const rows = byRoom.get(roomId) ?? [];
    const last = rows.findLast((row) => row.place <= place);
    const version = last === undefined ? undefined : roomVersion(last.version);
    if (last === undefined || version === undefined) return NOBODY_MAY;
    const present = known.get(last);
    if (present !== undefined) return present;
    const levels = powerLevels(version, (type) => {
      const row = rows.findLast((one) => one.place <= place && one.type === type);
      return row && { ...row, sender: asUserId(row.sender), content: JSON.parse(row.content) };
    });
    known.set(last, levels);
    return levels;
  };
}
