import type { EventId, RoomId, RoomVersionId, UserId } from '../../matrix/identifiers.ts';
import type { StoredEvent } from './stored-event.ts';

/** A membership as the current state has it. */
export type Membership = 'invite' | 'join' | 'leave' | 'ban' | 'knock';

/** A user's standing in a room. */
export interface Standing {
  readonly membership: Membership;
  readonly event_id: EventId;
  /** The place of that membership event. */
  readonly place: number;
  /**
   * The place of the event that ended the user's latest join: what a former member may see ends there.
   * Null or undefined for those who are joined, and for those who never were.
   */
  readonly left_at?: number | null;
  /** Whether the user has forgotten the room since. */
  readonly forgotten: boolean;
}

/** What a user may see of a room's history, as far as state that is printed needs it. */
export interface RoomHistory {
  /** The user's membership as of an event of the room, with what it changes itself: `leave` before any. */
  membershipAt(event: Pick<StoredEvent, 'place' | 'type' | 'state_key'>): string;
  /** A state event without the content that it replaced, where the user may not see that. */
  withoutHiddenPast(event: StoredEvent): StoredEvent;
}

/** What HTTP asks of the model of room states. Current state unless `at` is given. */
export interface RoomReads {
  /** Undefined when no such room is known here. */
  version(roomId: RoomId): Promise<RoomVersionId | undefined>;
  /** Undefined when the user has no membership event in the room. */
  standing(roomId: RoomId, userId: UserId): Promise<Standing | undefined>;
  /** What the user may see of the room's history. */
  visibility(roomId: RoomId, userId: UserId): Promise<RoomHistory>;
  /** @param at the state after the event at this place (inclusive); current without it. */
  stateEvent(roomId: RoomId, type: string, stateKey: string, at?: number): Promise<StoredEvent | undefined>;
  /** All entries, or those of one type, or all but the members. @param at as for `stateEvent`. */
  state(
    roomId: RoomId,
    options?: { readonly type?: string; readonly at?: number; readonly members?: false },
  ): Promise<readonly StoredEvent[]>;
  /** Those of the users who share a room with one of them. */
  sharing(userId: UserId, users: readonly UserId[]): Promise<ReadonlySet<string>>;
  /** The rooms in which the user's membership is the given one. */
  rooms(userId: UserId, membership: Membership): Promise<readonly RoomId[]>;
}
