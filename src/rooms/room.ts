import type { Pdu } from '../matrix/event.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import type { RoomVersion } from '../matrix/room-versions.ts';
import { StateTree } from '../state/state-tree.ts';

/** The room aggregate (topic `rooms`): what an owner must know of a room to decide. Pure. */
export interface Room {
  readonly id: RoomId;
  /** Undefined until the create event is known: the room does not exist. */
  readonly version: RoomVersion | undefined;
  /** The state after resolving all forward extremities. */
  readonly state: StateTree;
  /** Events that no other event names as its predecessor, with their depths. */
  readonly extremities: readonly Extremity[];
  /** The place of the last live event: the room order (architecture, section 4). */
  readonly place: number;
  /** A `create_room` that is begun and not ended. */
  readonly saga: string | undefined;
}

/** A forward extremity. */
export interface Extremity {
  readonly event_id: EventId;
  readonly depth: number;
  /** Its reference hash, unpadded base64; where events name others with it (versions 1 and 2). */
  readonly hash?: string;
}

/** State events by ID, with their content: those that decisions have needed so far. */
export type KnownEvents = ReadonlyMap<EventId, Pdu>;

/** A room of which nothing is known. */
export function noRoom(id: RoomId): Room {
  return {
    id,
    version: undefined,
    state: StateTree.empty,
    extremities: [],
    place: 0,
    saga: undefined,
  };
}
