import { MilenaError } from '../../errors/milena-error.ts';
import type { AnyFact } from '../../log/records.ts';
import type { Pdu } from '../../matrix/event.ts';
import { asEventId, asRoomId, type EventId } from '../../matrix/identifiers.ts';
import { roomVersion } from '../../matrix/room-versions.ts';
import { decideCreate } from '../../rooms/create.ts';
import { decideSend, type Keys, type RoomAccepted, type RoomRefusal } from '../../rooms/decide.ts';
import { evolveRoom } from '../../rooms/evolve.ts';
import type { RoomFact } from '../../rooms/facts.ts';
import { decideForget } from '../../rooms/forget.ts';
import { draftOf, missingEvents, redactionTarget } from '../../rooms/needs.ts';
import { pduOfRecord } from '../../rooms/pdu-of-record.ts';
import { noRoom, type Room } from '../../rooms/room.ts';
import { StateTree } from '../../state/state-tree.ts';
import type { AggregateKind, Decision, Source } from '../aggregate-kind.ts';
import type { Command, ForgetRoom, SendEvent } from '../commands.ts';

/**
 * A room with the events that decisions have read. `known` only ever grows and holds facts, so it is shared
 * between the states of a room as they follow each other; a busy room's send therefore reads no database.
 */
export interface LoadedRoom {
  readonly room: Room;
  readonly known: Map<EventId, Pdu>;
}

/** Rooms as the owner runs them, signing with the server's key. */
export function roomKind(keys: Keys): AggregateKind<LoadedRoom> {
  return {
    topic: 'rooms',
    load: loadRoom,
    spread: () => false,
    prepare,
    decide: (loaded, command) => decide(loaded, command, keys),
    evolve,
  };
}

const loadRoom: AggregateKind<LoadedRoom>['load'] = async (key, loader) => {
  const id = asRoomId(key);
  const snapshot = await loader.room(id);
  if (snapshot === undefined) return { state: { room: noRoom(id), known: new Map() }, next: 0 };
  const entries = snapshot.state.map(({ type, state_key, event_id }) => ({
    type,
    stateKey: state_key,
    eventId: event_id,
  }));
  const room: Room = {
    id,
    version: snapshot.version === undefined ? undefined : roomVersion(snapshot.version),
    state: StateTree.fromEntries(entries),
    extremities: snapshot.extremities,
    place: snapshot.place,
    saga: snapshot.saga,
  };
  return { state: { room, known: new Map() }, next: snapshot.next };
};

function prepare(loaded: LoadedRoom, command: Command, source: Source): Promise<void> | undefined {
  if (command.kind !== 'send_event' && command.kind !== 'forget_room') return undefined;
  const missing = missingEvents(loaded.room, loaded.known, command);
  return missing.length === 0 ? undefined : learn(loaded, missing, source, command);
}

async function learn(
  loaded: LoadedRoom,
  missing: readonly EventId[],
  source: Source,
  command: SendEvent | ForgetRoom,
): Promise<void> {
  const from = await source.checkpoint();
  for (const [id, pdu] of await source.loader.events(loaded.room.id, missing)) loaded.known.set(id, pdu);
  if (missing.every((id) => loaded.known.has(id))) return;
  // What the model lacks stands behind its checkpoint: the tail has it, or nobody.
  const wanted = new Set<string>(missing);
  for (const { fact } of await source.tail(from)) {
    if (fact.type === 'room_event' && wanted.has(fact.value.event_id)) {
      loaded.known.set(asEventId(fact.value.event_id), pduOfRecord(fact.value));
    }
  }
  // To the auth rules an event that is not known is an entry that is not there: a ban would be none.
  const target =
    command.kind === 'send_event' ? redactionTarget(command, draftOf(command).content) : undefined;
  if (missing.some((id) => id !== target && !loaded.known.has(id))) {
    throw new MilenaError('SET_ASIDE', 'A state event of this room cannot be read; see milena status.');
  }
}

function decide(loaded: LoadedRoom, command: Command, keys: Keys): Decision {
  const { room, known } = loaded;
  if (command.kind === 'send_event') return decision(loaded, decideSend(room, known, command, keys));
  if (command.kind === 'create_room') return decision(loaded, decideCreate(room, command, keys));
  if (command.kind === 'forget_room') return decision(loaded, decideForget(room, known, command));
  throw new MilenaError('INTERNAL', `${command.kind} is not about a room`);
}

function decision(loaded: LoadedRoom, decided: RoomAccepted | RoomRefusal): Decision {
  if ('refused' in decided) throw new MilenaError(decided.refused, decided.message);
  for (const [id, pdu] of decided.events) loaded.known.set(id, pdu);
  return {
    facts: decided.facts.map((fact) => ({ ...fact, key: loaded.room.id })),
    result: decided.event_id === undefined ? {} : { event_id: decided.event_id },
  };
}

function evolve(loaded: LoadedRoom, fact: AnyFact): LoadedRoom {
  return isRoomFact(fact) ? { room: evolveRoom(loaded.room, fact), known: loaded.known } : loaded;
}

function isRoomFact(fact: AnyFact): fact is RoomFact {
  switch (fact.type) {
    case 'room_event':
    case 'room_forgotten':
    case 'saga_started':
    case 'saga_ended':
      return true;
    default:
      return false;
  }
}
