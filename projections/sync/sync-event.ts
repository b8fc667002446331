import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';

/**
 * An event as it goes into a sync: its content is JSON text, passed on as it stands. Structurally what the HTTP
 * layer prints (`StoredEvent`).
 */
export interface SyncEvent {
  readonly room_id: RoomId;
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  /** Null for events that are no state events. */
  readonly state_key: string | null;
  readonly origin_server_ts: number;
  /** JSON of an object. What the redaction rules left, when the event is redacted. */
  readonly content: string;
  readonly redacts: EventId | null;
  /** Its position in the room's order. */
  readonly place: number;
  readonly redacted_because?: SyncEvent;
  /** JSON: the content of the state event that it replaced. */
  readonly prev_content?: string;
  readonly replaces_state?: EventId;
  readonly transaction: { readonly device_id: string; readonly txn_id: string } | null;
}
