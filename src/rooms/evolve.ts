import type { RoomEventRecord, StateRef } from '../log/records.ts';
import type { Pdu } from '../matrix/event.ts';
import { hashForReferences, prevEventIds } from '../matrix/event-format.ts';
import { asEventId } from '../matrix/identifiers.ts';
import { roomVersion } from '../matrix/room-versions.ts';
import type { StateTree } from '../state/state-tree.ts';
import type { RoomFact } from './facts.ts';
import type { Room } from './room.ts';

/** What a room is after a fact. Rejected and soft-failed events change nothing in it. */
export function evolveRoom(room: Room, fact: RoomFact): Room {
  switch (fact.type) {
    case 'saga_started':
      return { ...room, saga: fact.value.saga };
    case 'saga_ended':
      return { ...room, saga: undefined };
    case 'room_forgotten':
      // It concerns what one user is shown, and no decision of the room.
      return room;
    case 'room_event':
      return evolveEvent(room, fact.value);
  }
}

function evolveEvent(room: Room, event: RoomEventRecord): Room {
  if (event.verdict !== 'accepted' || event.kind !== 'event') return room;
  const skeleton: Pdu = JSON.parse(event.skeleton);
  const version = room.version ?? roomVersion(event.room_version);
  const hash = version === undefined ? undefined : hashForReferences(version, skeleton);
  const previous = new Set(prevEventIds(skeleton));
  return {
    ...room,
    version,
    state: applyState(room.state, event.current ?? event.after),
    extremities: [
      ...room.extremities.filter((known) => !previous.has(known.event_id)),
      {
        event_id: asEventId(event.event_id),
        depth: skeleton.depth,
        ...(hash === undefined ? {} : { hash }),
      },
    ],
    place: Math.max(room.place, event.place),
  };
}

function applyState(state: StateTree, change: StateRef | null): StateTree {
  if (change === null) return state;
  let tree = state;
  for (const { type, state_key, event_id } of change.changed) {
    tree = event_id === null ? tree.remove(type, state_key) : tree.set(type, state_key, asEventId(event_id));
  }
  return tree;
}
