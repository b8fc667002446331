import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { IGNORED_USERS } from '../accounts/ignored-users.ts';
import type { EventRelations } from '../timeline/stored-event.ts';

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
  /** Its offset on the log. */
  readonly log_offset?: number;
  readonly redacted_because?: SyncEvent;
  /** JSON: the content of the state event that it replaced. */
  readonly prev_content?: string;
  readonly replaces_state?: EventId;
  /** The place of the state event that it replaced. */
  readonly replaces_place?: number;
  readonly transaction: { readonly device_id: string; readonly txn_id: string } | null;
  /** What is told of its children. */
  readonly relations?: EventRelations<SyncEvent>;
}

/** The state event that another has replaced: what goes into `unsigned` of that other. */
export interface Replaced {
  readonly event_id: EventId;
  /** JSON of an object. */
  readonly content: string;
  readonly place: number;
}

/** A user's membership as it changed. Changes of a profile (join after join) are none. */
export interface Membership {
  readonly room_id: RoomId;
  readonly membership: string;
  readonly sender: UserId;
  readonly event_id: EventId;
  readonly place: number;
  /** Where it stands in `rooms`. */
  readonly partition: number;
  readonly offset: number;
  /** Where the user forgot the room while this held; null or left out otherwise. */
  readonly forgotten?: number | null;
}

/** A room that a user has forgotten, with where that stands in `rooms`. */
export interface ForgottenRoom {
  readonly room_id: RoomId;
  readonly partition: number;
  readonly offset: number;
}

/** A receipt as it is shown, with where it stands in `user_values`. */
export interface Receipt {
  readonly user_id: UserId;
  readonly receipt_type: string;
  readonly thread_id: string | null;
  readonly event_id: EventId;
  readonly ts: number;
  /** The furthest place that this receipt has ever been at. */
  readonly furthest_place: number;
  readonly partition: number;
  readonly offset: number;
}

/** Whether unread events count otherwise once this account data was set: push rules, and whom the user ignores. */
export function changesCounts({ room_id, type }: AccountDatum): boolean {
  return room_id === null && (type === 'm.push_rules' || type === IGNORED_USERS);
}

/** Account data, with its offset in the user's own partition of `user_values`. */
export interface AccountDatum {
  /** Null for global data. */
  readonly room_id: RoomId | null;
  readonly type: string;
  /** JSON of an object. */
  readonly content: string;
  readonly offset: number;
}
