import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';

/**
 * An event as the read models give it: its content is JSON text that is passed on as it stands, so that a page
 * of messages is joined, never parsed and printed again.
 */
export interface StoredEvent {
  readonly room_id: RoomId;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  /** Null for events that are no state events. */
  readonly state_key: string | null;
  readonly origin_server_ts: number;
  /** JSON of an object. What the redaction rules left, when the event is redacted. */
  readonly content: string;
  /** The event that this redaction redacts. */
  readonly redacts: EventId | null;
  /** Its position in the room's order. */
  readonly place: number;
  /** The redaction that redacted it. */
  readonly redacted_because?: StoredEvent;
  /** JSON: the content of the state event that it replaced, when the model knows it. */
  readonly prev_content?: string;
  /** The event ID of the state event that it replaced. */
  readonly replaces_state?: EventId;
  /** Who sent it and how, for the echo of the transaction ID. */
  readonly transaction: { readonly device_id: string; readonly txn_id: string } | null;
}
