import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { SyncEvent } from './sync-event.ts';
import type { TailEvent } from './tail-event.ts';

/** A membership as the tail brings it. */
export interface MembershipChange {
  readonly room_id: RoomId;
  readonly membership: string;
  readonly offset: number;
  readonly partition: number;
  readonly event: SyncEvent;
}

/** A receipt as the tail brings it. */
export interface ReceiptChange {
  readonly user_id: string;
  readonly receipt_type: string;
  readonly thread_id: string | null;
  readonly event_id: EventId;
  readonly place: number;
  readonly ts: number;
}

/** Account data as the tail brings it. */
export interface AccountDataChange {
  readonly room_id: RoomId | null;
  readonly type: string;
  /** JSON of an object. */
  readonly content: string;
  readonly offset: number;
}

/** Told of every fact as the tail reads it, before `advanced` says that the position has moved. */
export interface TailListener {
  event(roomId: RoomId, event: TailEvent): void;
  /** Something in the room changed that is no event: typing. */
  room(roomId: RoomId): void;
  membership(userId: UserId, change: MembershipChange): void;
  receipt(userId: UserId, roomId: RoomId, receipt: ReceiptChange & { readonly furthest_place: number }): void;
  accountData(userId: UserId, change: AccountDataChange): void;
  /** The batch is over. */
  advanced(): void;
}
