import type { RoomVersion } from './room-versions.ts';

/** How long a key is trusted ahead, whatever its server says: 7 days in milliseconds (spec: room version 5). */
export const LONGEST_KEY_TRUST = 7 * 24 * 60 * 60 * 1000;

/** Times that decide whether a key counts, in milliseconds since the epoch. */
export interface KeyTimes {
  /** What the key's server said: `valid_until_ts`, or `expired_ts` of an old key. */
  readonly validUntil: number;
  /** The event's `origin_server_ts`. */
  readonly eventAt: number;
  readonly now: number;
}

/**
 * True when a key may check an event's signature: in versions that enforce it, while it is valid at the event's
 * time, and trusted no longer than a week ahead (spec: room version 5, "Signing key validity period").
 */
export function keyCounts(version: RoomVersion, { validUntil, eventAt, now }: KeyTimes): boolean {
  return !version.enforcesKeyValidity || Math.min(validUntil, now + LONGEST_KEY_TRUST) >= eventAt;
}
