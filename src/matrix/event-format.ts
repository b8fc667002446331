import { type EventReference, type Pdu, referencedId } from './event.ts';
import { referenceHash } from './hashes.ts';
import { type EventId, parseEventId, parseRoomId, parseUserId } from './identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue, ownObject, ownString, ownValue } from './json.ts';
import type { RoomVersion } from './room-versions.ts';
import { parseJson } from './strict-json.ts';

/**
 * The forms that events have in the room versions (spec: room versions, "Event format"): what they name others by,
 * and whether a text from outside is an event at all.
 */

interface EventFormat {
  /** The way to name an event with this ID; `hash` gives its reference hash in unpadded base64. */
  readonly reference: (id: EventId, hash: () => string) => EventReference;
  readonly isReference: (value: JsonValue) => boolean;
}

const FORMATS: Readonly<Record<RoomVersion['eventFormat'], EventFormat>> = {
  'id-hash-pairs': {
    reference: (id, hash) => [id, { sha256: hash() }],
    isReference: (value) =>
      Array.isArray(value) && value.length === 2 && isEventId(value[0]) && isJsonObject(value[1]),
  },
  ids: { reference: (id) => id, isReference: isEventId },
};

/** How events of this version name the event with this ID. @param hash its `referenceHash`, asked for where needed */
export function eventReference(version: RoomVersion, id: EventId, hash: () => string): EventReference {
  return FORMATS[version.eventFormat].reference(id, hash);
}

/** True where naming an event takes its reference hash (versions 1 and 2). */
export function referencesNeedHashes(version: RoomVersion): boolean {
  return version.eventFormat === 'id-hash-pairs';
}

/** An event's reference hash where others of its room will need it to name it; else undefined. */
export function hashForReferences(version: RoomVersion, pdu: Pdu): string | undefined {
  return referencesNeedHashes(version) ? referenceHash(pdu, version) : undefined;
}

/** The most events that an event may name as its predecessors. */
export const MAX_PREV_EVENTS = 20;
/** The most events that an event may name as its auth events. */
export const MAX_AUTH_EVENTS = 10;

/** A text is no event of its room's version. The message says for people what is wrong, without content. */
export class EventFormatError extends Error {
  override readonly name = 'EventFormatError';
}

/**
 * The event that a text from another server stands for, checked for its form: the first of the "Checks performed on
 * receipt of a PDU". Versions that are not strict take any number that a double can hold, as the spec wants.
 * @throws EventFormatError when it lacks what this version's events have, or has it in another form.
 * @throws StrictJsonError when it is no JSON, or none that this version takes.
 */
export function parsePdu(text: string, version: RoomVersion): Pdu {
  const event = parseJson(text, version.strictJson ? 'integers' : 'any');
  if (!isJsonObject(event)) throw new EventFormatError('an event is an object');
  const fault = faultOf(event, version);
  if (fault !== undefined) throw new EventFormatError(fault);
  return event as unknown as Pdu; // What a PDU must have was looked at on the lines above.
}

function faultOf(event: JsonObject, version: RoomVersion): string | undefined {
  const type = ownString(event, 'type');
  if (type === undefined) return 'type is no string';
  if (parseUserId(ownString(event, 'sender') ?? '') === undefined) return 'sender is no user ID';
  const stateKey = ownValue(event, 'state_key');
  if (stateKey !== undefined && typeof stateKey !== 'string') return 'state_key is no string';
  if (ownObject(event, 'content') === undefined) return 'content is no object';
  if (!isCount(event, 'origin_server_ts', Number.MIN_SAFE_INTEGER)) return 'origin_server_ts is no integer';
  if (!isCount(event, 'depth', 0)) return 'depth is no integer from 0 on';
  if (ownString(ownObject(event, 'hashes') ?? {}, 'sha256') === undefined) return 'hashes has no sha256';
  if (ownObject(event, 'signatures') === undefined) return 'signatures is no object';
  return roomFault(event, version) ?? idFault(event, version) ?? referencesFault(event, version);
}

function isCount(event: JsonObject, key: string, least: number): boolean {
  const value = ownValue(event, key);
  return typeof value === 'number' && Number.isInteger(value) && value >= least;
}

/** Every event says its room, but for create events where they make its ID (rule 1.2 refuses one that does). */
function roomFault(event: JsonObject, version: RoomVersion): string | undefined {
  const roomId = ownValue(event, 'room_id');
  const makesRoom = version.roomIds === 'create-hash' && event['type'] === 'm.room.create';
  if (roomId === undefined && makesRoom) return undefined;
  return typeof roomId === 'string' && parseRoomId(roomId) !== undefined
    ? undefined
    : 'room_id is no room ID';
}

function idFault(event: JsonObject, version: RoomVersion): string | undefined {
  if (version.eventIds !== 'in-event') return undefined;
  return isEventId(ownValue(event, 'event_id') ?? null) ? undefined : 'event_id is no event ID';
}

function referencesFault(event: JsonObject, version: RoomVersion): string | undefined {
  const { isReference } = FORMATS[version.eventFormat];
  for (const [key, most] of [
    ['prev_events', MAX_PREV_EVENTS],
    ['auth_events', MAX_AUTH_EVENTS],
  ] as const) {
    const list = ownValue(event, key);
    if (!Array.isArray(list) || !list.every((value) => isReference(value))) {
      return `${key} is no list of what this version names events by`;
    }
    if (list.length > most) return `${key} has more than ${most} entries`;
  }
  return undefined;
}

function isEventId(value: JsonValue): boolean {
  return typeof value === 'string' && parseEventId(value) !== undefined;
}

/** The IDs of the events that `pdu` comes after. */
export function prevEventIds(pdu: Pick<Pdu, 'prev_events'>): readonly EventId[] {
  return pdu.prev_events.map(referencedId);
}

/** The IDs of the events that `pdu` says it is authorised by. */
export function authEventIds(pdu: Pick<Pdu, 'auth_events'>): readonly EventId[] {
  return pdu.auth_events.map(referencedId);
}
