import type { StateEvent } from '../matrix/auth-state.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import type { JsonObject } from '../matrix/json.ts';
import { type PowerLevels, powerLevels } from '../matrix/power-levels.ts';
import { roomVersion } from '../matrix/room-versions.ts';
import type { ClientContext } from './context.ts';
import { standingOf } from './room-access.ts';

/**
 * Whether the user is in the room and may send state events of this type: what guards the things beside the
 * room's own state, such as its aliases and its place in the directory.
 */
export async function mayChangeState(
  context: ClientContext,
  roomId: RoomId,
  userId: UserId,
  type: string,
): Promise<boolean> {
  const standing = await standingOf(context, roomId, userId);
  if (standing?.membership !== 'join') return false;
  const present = await levelsOf(context, roomId);
  return present !== undefined && present.of(userId) >= present.required(type, true);
}

/** The levels that hold in a room now; undefined where the room is not known. */
export async function levelsOf(context: ClientContext, roomId: RoomId): Promise<PowerLevels | undefined> {
  return (await readLevels(context, roomId))?.levels;
}

/** The levels that hold in a room, with what they are made of. */
export interface RoomLevels {
  readonly levels: PowerLevels;
  /** Who made the room. */
  readonly creator: UserId | undefined;
  /** The content of `m.room.power_levels`, where the room has one. */
  readonly content: JsonObject | undefined;
}

/** The same as they stand in the room's state now; undefined where the room is not known. */
export async function readLevels(
  { reads: { rooms } }: ClientContext,
  roomId: RoomId,
): Promise<RoomLevels | undefined> {
  const [id, create, power] = await Promise.all([
    rooms.version(roomId),
    rooms.stateEvent(roomId, 'm.room.create', ''),
    rooms.stateEvent(roomId, 'm.room.power_levels', ''),
  ]);
  const version = id === undefined ? undefined : roomVersion(id);
  if (version === undefined) return undefined;
  const state = new Map<string, StateEvent>();
  for (const event of [create, power]) {
    if (event !== undefined) state.set(event.type, { ...event, content: JSON.parse(event.content) });
  }
  return {
    levels: powerLevels(version, (wanted, stateKey) => (stateKey === '' ? state.get(wanted) : undefined)),
    creator: create?.sender,
    content: state.get('m.room.power_levels')?.content,
  };
}
