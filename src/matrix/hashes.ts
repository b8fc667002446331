import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import { type Pdu, pduJson, type UnsignedPdu } from './event.ts';
import type { EventId, RoomId } from './identifiers.ts';
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
  return hash('sha256', canonicalJson(covered), 'base64').slice(0, 43); // 32 bytes are 43 digits and one `=`.
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

/** The event ID whose reference hash is made of this `signableText`. */
export function eventIdOfText(text: string, version: RoomVersion): EventId {
  switch (version.eventIds) {
    case 'url-safe-hash':
      return `$${hash('sha256', text, 'base64url')}` as EventId; // This is what makes it one.
  }
}

/** The event's ID: `$` and its reference hash. The same before and after a redaction. */
export function eventIdOf(pdu: Pdu, version: RoomVersion): EventId {
  return eventIdOfText(signableText(pdu, version), version);
}

/** The ID of the room that a create event makes, where room IDs are `create-hash` (version 12 on). */
export function roomIdOfCreate(createEventId: EventId): RoomId {
  return `!${createEventId.slice(1)}` as RoomId; // The spec: the event ID with another sigil.
}

/** The ID of the create event of a room whose ID is a hash (version 12 on). */
export function createEventIdOf(roomId: RoomId): EventId {
  return `$${roomId.slice(1)}` as EventId; // The spec: the room ID with another sigil.
}
