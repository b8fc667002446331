import type { Pdu } from './event.ts';
import type { EventId, RoomId, UserId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { redactedEventId } from './redaction.ts';
import type { RoomVersion } from './room-versions.ts';

/** Events as clients get them (spec: client-server API, "Room event format" and "Stripped state"). */

/** An event for a client. `room_id` is left out where the response says it elsewhere, as in `/sync`. */
export interface ClientEvent {
  readonly event_id: EventId;
  readonly room_id?: RoomId;
  readonly type: string;
  readonly state_key?: string;
  readonly sender: UserId;
  readonly origin_server_ts: number;
  readonly content: JsonObject;
  /** Of a redaction: what it redacts. In the content as well, for clients of either form. */
  readonly redacts?: EventId;
  readonly unsigned?: JsonObject;
}

/** What a client event is made of. */
export interface ClientEventSource {
  readonly pdu: Pdu;
  readonly eventId: EventId;
  readonly version: RoomVersion;
}

/**
 * The event in the format of `/sync`, without `room_id`. The PDU's own `unsigned` came from another server and
 * is not passed on; what belongs there (age, transaction_id, prev_content, …) the caller gives.
 */
export function syncEvent({ pdu, eventId, version }: ClientEventSource, unsigned?: JsonObject): ClientEvent {
  const redacts = redactedEventId(pdu, version);
  return {
    content: redacts === undefined ? pdu.content : { ...pdu.content, redacts },
    event_id: eventId,
    origin_server_ts: pdu.origin_server_ts,
    sender: pdu.sender,
    type: pdu.type,
    ...(pdu.state_key === undefined ? {} : { state_key: pdu.state_key }),
    ...(redacts === undefined ? {} : { redacts }),
    ...(unsigned === undefined ? {} : { unsigned }),
  };
}

/** The event in the format of all other endpoints. The create event of a version 12 room gets its `room_id` too. */
export function clientEvent(source: ClientEventSource, roomId: RoomId, unsigned?: JsonObject): ClientEvent {
  return { ...syncEvent(source, unsigned), room_id: roomId };
}

/** A state event stripped to what somebody outside the room may see. */
export interface StrippedEvent {
  readonly type: string;
  readonly state_key: string;
  readonly sender: UserId;
  readonly content: JsonObject;
}

/** The state event stripped for who is invited, has knocked or looks at the room from outside. */
export function strippedEvent(
  pdu: Pick<Pdu, 'type' | 'sender' | 'content'> & { readonly state_key: string },
): StrippedEvent {
  return { type: pdu.type, state_key: pdu.state_key, sender: pdu.sender, content: pdu.content };
}

/** The types that stripped state is made of; each has the empty state key. The create event is always in it. */
export const STRIPPED_STATE_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const;

/**
 * The keys of the state that goes with an invitation or a knock: the types above, and the memberships of
 * those it is about (who invites, so that the client can show a name; who is invited).
 */
export function strippedStateKeys(...members: readonly UserId[]): readonly (readonly [string, string])[] {
  return [
    ...STRIPPED_STATE_TYPES.map((type) => [type, ''] as const),
    ...new Set(members).values().map((user) => ['m.room.member', user] as const),
  ];
}
