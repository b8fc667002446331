import type { Pdu } from './event.ts';
import type { EventId, UserId } from './identifiers.ts';
import { type JsonObject, ownString } from './json.ts';

/** The room's state as the authorisation rules read it. */

/** What the rules need to know of a state event. */
export interface StateEvent {
  readonly event_id: EventId;
  readonly sender: UserId;
  readonly content: JsonObject;
}

/**
 * The state that an event is checked against: the event of a type and state key, or undefined. It must hold
 * what `authTypesFor` selects and, in every version, the create event.
 */
export type StateLookup = (type: string, stateKey: string) => StateEvent | undefined;

/** What the rules look at in the event they judge. */
export type AuthorisableEvent = Pick<
  Pdu,
  'type' | 'sender' | 'state_key' | 'content' | 'room_id' | 'prev_events' | 'event_id' | 'redacts'
>;

/** The `membership` of a user, or undefined for who never was in the room. */
export function membershipOf(state: StateLookup, user: string): string | undefined {
  const member = state('m.room.member', user);
  return member === undefined ? undefined : ownString(member.content, 'membership');
}

/** The room's `join_rule`; a room that has none is `invite` (spec: client-server API, `m.room.join_rules`). */
export function joinRuleOf(state: StateLookup): string {
  const rules = state('m.room.join_rules', '');
  return (rules === undefined ? undefined : ownString(rules.content, 'join_rule')) ?? 'invite';
}
