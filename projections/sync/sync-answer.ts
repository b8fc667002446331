import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { ToldPresence } from './presence-sync.ts';
import type { ThreadsUnread } from './reading.ts';
import type { AccountDatum, Membership, Receipt, SyncEvent } from './sync-event.ts';
import type { Summary } from './sync-reads.ts';
import type { SyncPosition } from './token.ts';

/** The events of a room, oldest first. */
export interface Timeline {
  readonly events: readonly SyncEvent[];
  /** True when there are events between what the client has and these. */
  readonly limited: boolean;
  /** `prev_batch`: what came before stands at lower places. Undefined where no place is known. */
  readonly prevPlace?: number;
}

/** `summary` as one user sees it. */
export type RoomSummary = Omit<Summary, 'former'>;

/** A room under `join`. */
export interface JoinedRoom {
  readonly room_id: RoomId;
  /** How the user's membership changed, oldest first. */
  readonly memberships: readonly Membership[];
  readonly timeline: Timeline;
  /** `state` or `state_after`, as the request wants it. */
  readonly state: readonly SyncEvent[];
  /** Where members changed, or the room is new to the client. Without the user among the heroes. */
  readonly summary?: RoomSummary;
  /** Who types; undefined when that has not changed. */
  readonly typing?: readonly string[];
  readonly receipts: readonly Receipt[];
  readonly account_data: readonly AccountDatum[];
  /** Where it may have changed. */
  readonly unread?: ThreadsUnread;
}

/** A room under `leave`. */
export interface LeftRoom {
  readonly room_id: RoomId;
  /** How the user's membership changed, oldest first. */
  readonly memberships: readonly Membership[];
  readonly timeline: Timeline;
  readonly state: readonly SyncEvent[];
  readonly account_data: readonly AccountDatum[];
}

/** A room under `invite` or `knock`: state events, to be stripped. */
export interface StrippedRoom {
  readonly room_id: RoomId;
  readonly events: readonly SyncEvent[];
}

/** What happened, up to a position. */
export interface Collected {
  readonly position: SyncPosition;
  readonly account_data: readonly AccountDatum[];
  readonly join: readonly JoinedRoom[];
  readonly invite: readonly StrippedRoom[];
  readonly knock: readonly StrippedRoom[];
  readonly leave: readonly LeftRoom[];
}

/** What a sync answers. */
export interface SyncAnswer extends Omit<Collected, 'position'> {
  /** Of those with whom the user shares a room. */
  readonly presence: readonly ToldPresence[];
  readonly next_batch: string;
}

/** True when there is nothing to say about a room. */
export function isEmptyRoom(room: JoinedRoom): boolean {
  const { timeline, state, receipts, account_data } = room;
  const said = room.summary ?? room.typing ?? room.unread;
  const length = timeline.events.length + state.length + receipts.length + account_data.length;
  return said === undefined && length === 0 && !timeline.limited;
}

/** The user's membership just after the event at a place. */
export function membershipAt(memberships: readonly Membership[], place: number): string {
  return memberships.findLast((one) => one.place <= place)?.membership ?? 'leave';
}

/** The summary as the user sees it: at most five heroes, the user not among them. */
export function summaryFor({ joined, invited, heroes, former }: Summary, userId: string): RoomSummary {
  const others = heroes.filter((hero) => hero !== userId);
  const shown = others.length > 0 ? others : former.filter((hero) => hero !== userId);
  return { joined, invited, heroes: shown.slice(0, 5) };
}

/** True when nothing happened. */
export function isEmpty({ account_data, join, invite, knock, leave }: Collected): boolean {
  return account_data.length + join.length + invite.length + knock.length + leave.length === 0;
}
