/**
 * What the keys of the topic `server` look like: a resource's own name for aliases, else a prefix and a name. Only
 * aliases begin with `#`, so no two meet.
 */

const LISTING = 'list/';
const TOKEN = 'registration_token/';

/** The key of a room's place in the directory. */
export function listingKey(roomId: string): string {
  return LISTING + roomId;
}

/** The key of a registration token. @param tokenHash SHA-256, 64 hex digits. */
export function registrationTokenKey(tokenHash: string): string {
  return TOKEN + tokenHash;
}

/** What a key of the topic is about, and its name there. */
export function resourceOf(key: string): {
  readonly is: 'listing' | 'registration_token' | 'alias';
  readonly name: string;
} {
  if (key.startsWith(LISTING)) return { is: 'listing', name: key.slice(LISTING.length) };
  if (key.startsWith(TOKEN)) return { is: 'registration_token', name: key.slice(TOKEN.length) };
  return { is: 'alias', name: key };
}
