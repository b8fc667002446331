import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ForgottenRoom, Membership } from './sync-event.ts';
import type { UserRules } from './user-rules.ts';

/**
 * Told of every fact as the tail reads it. While it is told, the tail's position still lies before the fact (and
 * before the others of the same batch): whoever is woken begins there.
 */
export interface TailListener {
  /** Something happened in a room that all of its members may see. */
  room(roomId: RoomId): void;
  /** A user's membership changed, or was written again. */
  membership(userId: UserId, membership: Membership): void;
  /** A user has forgotten a room. Nothing that anybody waits for. */
  forgotten(userId: UserId, room: ForgottenRoom): void;
  /** Something happened that the user alone may see. */
  user(userId: UserId): void;
  /** A user's presence changed, for all who share a room. */
  presence(userId: UserId): void;
  /** A user ignores others than before. */
  ignored(userId: UserId, users: ReadonlySet<string>): void;
  /** A user takes no invitations any more, or takes them again. */
  inviting(userId: UserId, blocked: boolean): void;
  /** A user's push rules changed. */
  rules(userId: UserId, rules: UserRules): void;
  /**
   * A user has read further in a room, or in one thread of it.
   * @param place the furthest place of that receipt.
   */
  read(userId: UserId, roomId: RoomId, place: number, thread: string | null): void;
}
