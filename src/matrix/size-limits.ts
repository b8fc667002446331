import type { Pdu } from './event.ts';
import { MAX_IDENTIFIER_BYTES } from './identifiers.ts';

/** Limits on the size of events (spec: client-server API, "Size limits"). */

/** The largest event in bytes of canonical JSON, signatures included. */
export const MAX_EVENT_BYTES = 65_536;

/** The limit that an event breaks. */
export interface TooLarge {
  /** The property, or `event` for the event as a whole. */
  readonly field: 'event' | 'event_id' | 'room_id' | 'sender' | 'state_key' | 'type';
  readonly bytes: number;
  readonly limit: number;
}

/** The first limit that `pdu` breaks, or undefined. `eventId` is not in the PDU, so it comes beside it. */
export function sizeViolation(pdu: Pdu, eventId?: string): TooLarge | undefined {
  const fields = {
    type: pdu.type,
    sender: pdu.sender,
    room_id: pdu.room_id,
    state_key: pdu.state_key,
    event_id: eventId,
  } as const;
  for (const field of ['type', 'sender', 'room_id', 'state_key', 'event_id'] as const) {
    const bytes = Buffer.byteLength(fields[field] ?? '');
    if (bytes > MAX_IDENTIFIER_BYTES) return { field, bytes, limit: MAX_IDENTIFIER_BYTES };
  }
  const bytes = pduBytes(pdu);
  return bytes > MAX_EVENT_BYTES ? { field: 'event', bytes, limit: MAX_EVENT_BYTES } : undefined;
}

/**
 * The bytes of the PDU's canonical JSON: all of it as it goes to other servers, signatures and `unsigned`
 * included. Sorting the keys does not change the length, so plain JSON is measured, at half the cost.
 */
export function pduBytes(pdu: Pdu): number {
  return Buffer.byteLength(JSON.stringify(pdu));
}
