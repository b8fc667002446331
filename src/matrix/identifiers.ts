/** Matrix identifiers as branded strings (spec: appendices, "Identifier Grammar"). */

import { isServerName } from './server-name.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `@local:server`. */
export type UserId = Branded<'UserId'>;
/** `!opaque:server`, or from room version 12 on `!` and the create event's hash. */
export type RoomId = Branded<'RoomId'>;
/** `$hash` from room version 4 on, `$opaque:server` in versions 1 and 2. */
export type EventId = Branded<'EventId'>;
/** `#local:server`. */
export type RoomAlias = Branded<'RoomAlias'>;
/** A server's name: host with an optional port. */
export type ServerName = Branded<'ServerName'>;
/** A device's ID, unique for its user. */
export type DeviceId = Branded<'DeviceId'>;
/** `1` … `12`: an opaque string, not a number (spec: room versions). */
export type RoomVersionId = Branded<'RoomVersionId'>;

/** The longest identifier in bytes of UTF-8, sigil and server included. */
export const MAX_IDENTIFIER_BYTES = 255;

const STRICT_LOCALPART = /^[a-z0-9._=/+-]+$/;
const HASH = /^[A-Za-z0-9_-]{43}$/;

/**
 * A user's ID, or undefined. Accepts historical ones too (any code points but `:` and NUL in the localpart,
 * even an empty localpart), which every server must; new accounts also need `isStrictLocalpart`.
 * Spec: appendices, "User Identifiers" and "Historical User IDs".
 */
export function parseUserId(text: string): UserId | undefined {
  return isSigilLocalServer(text, '@') ? (text as UserId) : undefined; // Checked on this line.
}

/** A room alias, or undefined. The localpart may not be empty. Spec: appendices, "Room Aliases". */
export function parseRoomAlias(text: string): RoomAlias | undefined {
  const ok = isSigilLocalServer(text, '#') && text[1] !== ':';
  return ok ? (text as RoomAlias) : undefined; // Checked on the line above.
}

/** A room's ID in either form (`!opaque:server`, `!hash`), or undefined. Spec: appendices, "Room IDs". */
export function parseRoomId(text: string): RoomId | undefined {
  const ok = isHashRoomId(text) || (isSigilLocalServer(text, '!') && text[1] !== ':');
  return ok ? (text as RoomId) : undefined; // Checked on the line above.
}

/** True for room IDs of version 12 and later: the create event's hash, with no server in it. */
export function isHashRoomId(text: string): boolean {
  return text.startsWith('!') && HASH.test(text.slice(1));
}

/**
 * An event's ID, or undefined. Event IDs are opaque outside their room's version, so anything of the right
 * length behind a `$` is taken; what a version makes them of is said in `hashes.ts`.
 * Spec: appendices, "Event IDs".
 */
export function parseEventId(text: string): EventId | undefined {
  const ok = text.startsWith('$') && text.length > 1 && isPlainText(text);
  return ok ? (text as EventId) : undefined; // Checked on the line above.
}

/** A device's ID, or undefined: not empty, at most 255 bytes. The spec leaves its grammar open. */
export function parseDeviceId(text: string): DeviceId | undefined {
  return text !== '' && isPlainText(text) ? (text as DeviceId) : undefined; // Checked on this line.
}

export { parseServerName } from './server-name.ts';

/**
 * True when a new account may have this localpart: `a-z`, `0-9` and `. _ = - / +`, not empty.
 * Whether it fits into 255 bytes with its server is known only when the whole ID is parsed.
 */
export function isStrictLocalpart(localpart: string): boolean {
  return STRICT_LOCALPART.test(localpart);
}

/** The server of a user ID or alias. A room ID's server says nothing, so there is no function for it. */
export function serverOf(id: UserId | RoomAlias): ServerName {
  return id.slice(id.indexOf(':') + 1) as ServerName; // A parsed ID ends in a checked server name.
}

/**
 * The server in an event ID of room versions 1 and 2, `$opaque:server`; undefined where there is none, as in those of
 * later versions.
 */
export function serverInEventId(id: string): ServerName | undefined {
  const colon = id.indexOf(':');
  const server = colon < 0 ? '' : id.slice(colon + 1);
  return isServerName(server) ? (server as ServerName) : undefined; // Checked on this line.
}

/** What stands between the sigil and the first colon. */
export function localpartOf(id: UserId | RoomAlias): string {
  return id.slice(1, id.indexOf(':'));
}

/** Trusted input: a literal in a test or a value that was parsed before it was stored. No check. */
export function asUserId(text: string): UserId {
  return text as UserId; // The caller vouches for it.
}

/** Trusted input, as `asUserId`. */
export function asRoomId(text: string): RoomId {
  return text as RoomId; // The caller vouches for it.
}

/** Trusted input, as `asUserId`. */
export function asEventId(text: string): EventId {
  return text as EventId; // The caller vouches for it.
}

/** Trusted input, as `asUserId`. */
export function asRoomAlias(text: string): RoomAlias {
  return text as RoomAlias; // The caller vouches for it.
}

/** Trusted input, as `asUserId`. */
export function asServerName(text: string): ServerName {
  return text as ServerName; // The caller vouches for it.
}

/** Trusted input, as `asUserId`. */
export function asRoomVersionId(text: string): RoomVersionId {
  return text as RoomVersionId; // The caller vouches for it.
}

function isSigilLocalServer(text: string, sigil: string): boolean {
  if (!text.startsWith(sigil) || !isPlainText(text)) return false;
  const colon = text.indexOf(':');
  return colon > 0 && isServerName(text.slice(colon + 1));
}

/** At most 255 bytes, no NUL, and no half of a surrogate pair (which has no UTF-8). */
function isPlainText(text: string): boolean {
  // A UTF-16 unit is at most three bytes of UTF-8, so most identifiers need no count.
  const short = text.length * 3 <= MAX_IDENTIFIER_BYTES || Buffer.byteLength(text) <= MAX_IDENTIFIER_BYTES;
  return short && !text.includes('\0') && text.isWellFormed();
}
