import type { EventId } from '../matrix/identifiers.ts';
import { StateTreeError } from './errors.ts';

/** One entry of a room's state: which event holds for (type, state key). */
export interface StateEntry {
  readonly type: string;
  readonly stateKey: string;
  readonly eventId: EventId;
}

/** Longest string that the encoding can hold, in UTF-8 bytes. A whole event has at most 65,535. */
const MAX_STRING_BYTES = 0xffff;

/**
 * Order of entries in a node: by type, then by state key, both in order of their UTF-8 bytes (which is the order
 * of code points, and not that of JavaScript's `<`), so that any language computes the same roots.
 */
export function compareEntries(a: StateEntry, b: StateEntry): number {
  return compareUtf8(a.type, b.type) || compareUtf8(a.stateKey, b.stateKey);
}

/** Orders well-formed strings as their UTF-8 bytes are ordered. Negative, 0 or positive. */
function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank above U+E000 to U+FFFF. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Where the entry of (type, state key) stands in `entries`, or -1. Nodes are small: a plain scan is quickest. */
export function indexOfKey(entries: readonly StateEntry[], type: string, stateKey: string): number {
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    // State keys differ more often than types, so they are looked at first.
    if (entry !== undefined && entry.stateKey === stateKey && entry.type === type) return i;
  }
  return -1;
}

/**
 * The entry of these three strings, sharing the type's text with other entries where the type is a common one.
 * Throws `StateTreeError` (`unencodable`) for a string with a lone surrogate, which UTF-8 cannot tell from U+FFFD
 * (two keys would have one name), and for one over 65,535 bytes. No valid event has either.
 */
export function stateEntry(type: string, stateKey: string, eventId: EventId): StateEntry {
  assertEncodable(type);
  assertEncodable(stateKey);
  assertEncodable(eventId);
  return { type: COMMON_TYPES.get(type) ?? type, stateKey, eventId };
}

/** Whether a string can stand in the tree at all; if not, no tree has it as a key. */
export function isEncodable(text: string): boolean {
  if (!text.isWellFormed()) return false;
  // A UTF-16 unit is at most three bytes of UTF-8.
  return text.length * 3 <= MAX_STRING_BYTES || Buffer.byteLength(text) <= MAX_STRING_BYTES;
}

function assertEncodable(text: string): void {
  if (!isEncodable(text)) {
    throw new StateTreeError('unencodable', 'a string of a state entry has no UTF-8 form or is too long');
  }
}

/** State events of the spec that rooms have many of or that all rooms have; each text is held once. */
const COMMON_TYPES: ReadonlyMap<string, string> = new Map(
  [
    'm.room.member',
    'm.room.create',
    'm.room.power_levels',
    'm.room.join_rules',
    'm.room.history_visibility',
    'm.room.guest_access',
    'm.room.canonical_alias',
    'm.room.name',
    'm.room.topic',
    'm.room.avatar',
    'm.room.encryption',
    'm.room.pinned_events',
    'm.room.server_acl',
    'm.room.third_party_invite',
    'm.room.tombstone',
    'm.space.child',
    'm.space.parent',
  ].map((type) => [type, type]),
);
