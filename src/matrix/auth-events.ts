import { ALLOWED, type AuthVerdict, rejected } from './auth-verdict.ts';
import type { Pdu } from './event.ts';
import { ownObject, ownString } from './json.ts';
import type { RoomVersion } from './room-versions.ts';

/**
 * Which state events authorise an event, and what an event's own list of them must be (spec: server-server
 * API, "Auth events selection"; authorisation rule 3 of version 12, rule 2 of those before).
 */

/** What of an event decides which events authorise it. */
export type AuthSelectable = Pick<Pdu, 'type' | 'sender' | 'state_key' | 'content'>;

/** A type and a state key. */
export type StateKey = readonly [type: string, stateKey: string];

/** The keys of the state events that authorise `event`, each once; the room need not have all of them. */
export function authTypesFor(version: RoomVersion, event: AuthSelectable): readonly StateKey[] {
  if (event.type === 'm.room.create') return [];
  const keys: StateKey[] = version.createInAuthEvents ? [['m.room.create', '']] : [];
  keys.push(['m.room.power_levels', ''], ['m.room.member', event.sender]);
  if (event.type !== 'm.room.member') return keys;
  const { state_key: target, content } = event;
  const membership = ownString(content, 'membership');
  if (target !== undefined && target !== event.sender) keys.push(['m.room.member', target]);
  if (membership === 'join' || membership === 'invite' || membership === 'knock') {
    keys.push(['m.room.join_rules', '']);
  }
  if (membership === 'invite') {
    const signed = ownObject(ownObject(content, 'third_party_invite') ?? {}, 'signed');
    const token = signed === undefined ? undefined : ownString(signed, 'token');
    if (token !== undefined) keys.push(['m.room.third_party_invite', token]);
  }
  if (membership === 'join' && version.restrictedJoins) {
    const authoriser = ownString(content, 'join_authorised_via_users_server');
    const isNew = authoriser !== undefined && authoriser !== event.sender && authoriser !== target;
    if (isNew) keys.push(['m.room.member', authoriser]);
  }
  return keys;
}

/** One of the events that an event lists in its `auth_events`. */
export interface AuthEventEntry {
  readonly type: string;
  readonly state_key?: string;
  readonly room_id?: string;
  /** The entry itself was rejected when it was received. */
  readonly rejected: boolean;
}

/**
 * Rule 3 (2 to version 11): judges the events that `event` lists as its `auth_events`. Create events
 * are not judged by it: rule 1 says all there is to say about them.
 */
export function checkAuthEvents(
  version: RoomVersion,
  event: AuthSelectable & Pick<Pdu, 'room_id'>,
  entries: readonly AuthEventEntry[],
): AuthVerdict {
  if (event.type === 'm.room.create') return ALLOWED;
  const nameOf = (type: string, stateKey: string): string => JSON.stringify([type, stateKey]);
  const selected = new Set(authTypesFor(version, event).map(([type, stateKey]) => nameOf(type, stateKey)));
  const seen = new Set<string>();
  for (const entry of entries) {
    if (entry.state_key === undefined) return rejected('an auth event is no state event');
    const name = nameOf(entry.type, entry.state_key);
    if (seen.has(name)) return rejected('two auth events have the same type and state key');
    seen.add(name);
    if (!selected.has(name)) return rejected('an auth event is not one that authorises this event');
    if (entry.rejected) return rejected('an auth event was itself rejected');
    if (entry.room_id !== event.room_id) return rejected('an auth event is of another room');
  }
  if (version.createInAuthEvents && !seen.has(nameOf('m.room.create', ''))) {
    return rejected('the create event is not among the auth events');
  }
  return ALLOWED;
}
