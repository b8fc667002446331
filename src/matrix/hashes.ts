import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import { type Pdu, pduJson, type UnsignedPdu } from './event.ts';
import type { EventId, RoomId, ServerName } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { redactJson } from './redaction.ts';
import type { RoomVersion } from './room-versions.ts';
import { fromBase64, toUnpaddedBase64 } from './unpadded-base64.ts';

/**
 * The two hashes of an event and the IDs made of them (spec: server-server API, "Signing Events"; room
 * versions, "Event IDs"). The content hash covers all of the event, the reference hash what a redaction leaves.
 */

/** The content hash, in unpadded base64 as it stands under `hashes.sha256`. */
export function contentHash(pdu: Pdu | UnsignedPdu): string {
  return contentHashOfJson(pduJson(pdu));
}

/** As `contentHash`, for events as JSON. */
export function contentHashOfJson(event: JsonObject): string {
  const { unsigned: _u, signatures: _s, hashes: _h, ...covered } = event;
  return unpaddedSha256(canonicalJson(covered));
}

function unpaddedSha256(text: string): string {
  return hash('sha256', text, 'base64').slice(0, 43); // 32 bytes are 43 digits and one `=`.
}

/**
 * False when the event is not what its server hashed: content is missing or was altered, and only the
 * redacted event may be used (spec: server-server API, "Checks performed on receipt of a PDU", 3).
 */
export function hasValidContentHash(pdu: Pdu): boolean {
  const claimed = fromBase64(pdu.hashes.sha256);
  return claimed !== undefined && toUnpaddedBase64(claimed) === contentHash(pdu);
}

/**
 * The text that is signed and whose hash is the event's ID: the redacted event without signatures. One text
 * serves both, so that making an event ID and a signature costs one redaction and one canonical JSON.
 */
export function signableText(pdu: Pdu, version: RoomVersion): string {
  return signableTextOfJson(pduJson(pdu), version);
}

/** As `signableText`, for events as JSON. */
export function signableTextOfJson(event: JsonObject, version: RoomVersion): string {
  const { unsigned: _u, signatures: _s, ...signed } = redactJson(event, version);
  return canonicalJson(signed);
}

type IdMaker = (pdu: Pdu, text: () => string) => EventId;

/** What makes an event's ID; the casts are what makes it one. */
const EVENT_IDS: Readonly<Record<RoomVersion['eventIds'], IdMaker>> = {
  'in-event': ({ event_id }) => {
    if (event_id === undefined) throw new TypeError('an event of this version names its own ID');
    return event_id;
  },
  'standard-hash': (_pdu, text) => `$${unpaddedSha256(text())}` as EventId,
  'url-safe-hash': (_pdu, text) => `$${hash('sha256', text(), 'base64url')}` as EventId,
};

/**
 * The event's ID: what it names itself, or `$` and its reference hash. The same before and after a redaction.
 * @param text its `signableText`, where it is at hand.
 * @throws TypeError where events name their IDs and this one does not; `parsePdu` lets none through.
 */
export function eventIdOf(pdu: Pdu, version: RoomVersion, text?: string): EventId {
  return EVENT_IDS[version.eventIds](pdu, () => text ?? signableText(pdu, version));
}

/** The event's reference hash in unpadded base64, by which versions 1 and 2 name it beside its ID. */
export function referenceHash(pdu: Pdu, version: RoomVersion): string {
  return unpaddedSha256(signableText(pdu, version));
}

/**
 * `event` with the ID that it has to name, where this version's events do and it has none yet. It is made of the
 * event's own hash, so that no chance is needed and no two events have one.
 * @param server whose event it is.
 */
export function withEventId(event: UnsignedPdu, version: RoomVersion, server: ServerName): UnsignedPdu {
  if (version.eventIds !== 'in-event' || event.event_id !== undefined) return event;
  const opaque = hash('sha256', canonicalJson(pduJson(event)), 'base64url');
  return { ...event, event_id: `$${opaque}:${server}` as EventId }; // This is what makes it one.
}

/** The ID of the room that a create event makes, where room IDs are `create-hash` (version 12 on). */
export function roomIdOfCreate(createEventId: EventId): RoomId {
  return `!${createEventId.slice(1)}` as RoomId; // The spec: the event ID with another sigil.
}

/** The ID of the create event of a room whose ID is a hash (version 12 on). */
export function createEventIdOf(roomId: RoomId): EventId {
  return `$${roomId.slice(1)}` as EventId; // The spec: the room ID with another sigil.
}
