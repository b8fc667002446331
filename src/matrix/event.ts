import type { EventId, RoomId, UserId } from './identifiers.ts';
import type { JsonObject } from './json.ts';

/** Content hashes of a PDU (spec: server-server API, "Calculating the content hash"). Unpadded base64. */
export interface EventHashes {
  readonly sha256: string;
}

/** Signatures of a JSON object: server name → key ID (`ed25519:…`) → unpadded base64. */
export interface Signatures {
  readonly [server: string]: { readonly [keyId: string]: string };
}

/**
 * How an event names another: by its ID or, in room versions 1 and 2, by its ID and its reference hash.
 * `event-format.ts` says which, and makes them.
 */
export type EventReference = EventId | readonly [eventId: EventId, hashes: EventHashes];

/** The ID of the event that is named. */
export function referencedId(reference: EventReference): EventId {
  return typeof reference === 'string' ? reference : reference[0];
}

/**
 * A persistent data unit as it stands on the wire, of any room version. In versions 1 and 2 it names its own ID;
 * in version 12 and later the create event has no `room_id`. Spec: room versions, "Event format".
 */
export interface Pdu {
  /** In versions 1 and 2 alone: later ones make it of the event's hash. */
  readonly event_id?: EventId;
  readonly room_id?: RoomId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key?: string;
  readonly content: JsonObject;
  readonly origin_server_ts: number;
  readonly depth: number;
  readonly prev_events: readonly EventReference[];
  readonly auth_events: readonly EventReference[];
  readonly redacts?: EventId;
  readonly hashes: EventHashes;
  readonly signatures: Signatures;
  readonly unsigned?: JsonObject;
}

/** A PDU before it has its content hash and signatures: what is decided, not yet how it is proved. */
export type UnsignedPdu = Omit<Pdu, 'hashes' | 'signatures'>;

/** The PDU as the JSON it is, to be hashed, signed or sent. */
export function pduJson(pdu: Pdu | UnsignedPdu): JsonObject {
  // Every property of a PDU is JSON; an interface only lacks the index signature that would say so.
  return pdu as unknown as JsonObject;
}

/** True when the PDU is a state event: it has a `state_key`, the empty one included. */
export function isStateEvent(pdu: Pick<Pdu, 'state_key'>): pdu is { readonly state_key: string } {
  return pdu.state_key !== undefined;
}
