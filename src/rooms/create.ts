import type { Pdu } from '../matrix/event.ts';
import { eventIdOf, roomIdOfCreate } from '../matrix/hashes.ts';
import type { EventId } from '../matrix/identifiers.ts';
import { roomVersion } from '../matrix/room-versions.ts';
import type { CreateRoom, InitialEvent } from '../owner/commands.ts';
import {
  accept,
  assemble,
  type Keys,
  type RoomAccepted,
  type RoomRefusal,
  record,
  tooLarge,
} from './decide.ts';
import { evolveRoom } from './evolve.ts';
import type { RoomFact } from './facts.ts';
import type { Room } from './room.ts';

/**
 * Decides the events of a new room, all or none: the create event that the API node has signed, then the
 * others in order, each authorised against the state that those before it make (spec: `POST createRoom`).
 */
export function decideCreate(room: Room, command: CreateRoom, keys: Keys): RoomAccepted | RoomRefusal {
  if (room.version !== undefined) return { facts: [], events: new Map(), event_id: undefined };
  const first = createEvent(room, command);
  if ('refused' in first) return first;
  const building = new Building(room, first);
  for (const event of command.events) {
    const refusal = building.add(event, command, keys);
    if (refusal !== undefined) return refusal;
  }
  return { facts: building.facts, events: building.events, event_id: first.event_id };
}

function createEvent(room: Room, command: CreateRoom): RoomAccepted | RoomRefusal {
  const version = roomVersion(command.room_version);
  if (version === undefined) return invalid('The room version is not supported.');
  const pdu: Pdu = JSON.parse(command.create_event);
  const eventId = eventIdOf(pdu, version);
  const roomId = version.roomIds === 'create-hash' ? roomIdOfCreate(eventId) : pdu.room_id;
  if (roomId !== room.id) return invalid('The create event does not belong to this room.');
  const large = tooLarge({ pdu, eventId });
  if (large !== undefined) return large;
  return record(
    room,
    { pdu, eventId },
    { version, raw: JSON.stringify(pdu.content), redacts: undefined, transaction: undefined },
  );
}

/** The room as its first events make it. Lives for one decision. */
class Building {
  facts: readonly RoomFact[] = [];
  readonly events = new Map<EventId, Pdu>();
  private room: Room;

  constructor(room: Room, created: RoomAccepted) {
    this.room = room;
    this.take(created);
  }

  add(event: InitialEvent, command: CreateRoom, keys: Keys): RoomRefusal | undefined {
    const { version } = this.room;
    if (version === undefined) return invalid('The create event was not accepted.');
    const draft = { ...event, sender: command.creator };
    const decidedIn = { room: this.room, known: this.events, version };
    const pdu = assemble(decidedIn, draft, { at: command.at, redacts: undefined });
    const raw = JSON.stringify(event.content);
    const options = { ...keys, version, raw, redacts: undefined, transaction: undefined };
    const decided = accept(this.room, this.events, pdu, options);
    if ('refused' in decided) {
      // What was asked for contradicts itself; nobody is forbidden to make rooms.
      return decided.refused === 'FORBIDDEN' ? invalid(decided.message) : decided;
    }
    this.take(decided);
    return undefined;
  }

  private take(decided: RoomAccepted): void {
    this.facts = [...this.facts, ...decided.facts];
    for (const [id, pdu] of decided.events) this.events.set(id, pdu);
    for (const fact of decided.facts) this.room = evolveRoom(this.room, fact);
  }
}

function invalid(message: string): RoomRefusal {
  return { refused: 'INVALID_ROOM_STATE', message };
}
