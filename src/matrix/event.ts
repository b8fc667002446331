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
 * A persistent data unit in the format of room versions 4 and later (event IDs are hashes and not in the
 * event). In room version 12 and later the create event has no `room_id`.
 * Spec: room versions, "Event format".
 */
export interface Pdu {
  readonly room_id?: RoomId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key?: string;
  readonly content: JsonObject;
  readonly origin_server_ts: number;
  readonly depth: number;
  readonly prev_events: readonly EventId[];
  readonly auth_events: readonly EventId[];
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
