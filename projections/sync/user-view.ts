import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { presencePartitions } from '../../src/matrix/presence.ts';
import type { Reading } from './reading.ts';
import type { ForgottenRoom, Membership } from './sync-event.ts';
import type { SyncPosition } from './token.ts';
import type { UserRules } from './user-rules.ts';

/** A request that waits for something to happen. Told the position before that. */
export type Sleeper = (before: SyncPosition) => void;

/**
 * What answering a user needs to have at hand: memberships, and how far the user has read. Loaded once, then
 * kept up to date from the tail.
 */
export class UserView {
  readonly userId: UserId;
  /** Rooms that the user is in now. */
  readonly joined = new Set<RoomId>();
  /** Only of rooms that somebody has asked about. */
  readonly readings = new Map<RoomId, Reading>();
  readonly sleepers = new Set<Sleeper>();
  /** Whether the user takes no invitations: none is told of. */
  blocksInvites = false;
  /** When it was last asked for, monotonic milliseconds. */
  usedAt = 0;
  private readonly histories = new Map<RoomId, Membership[]>();
  /** By partition of `rooms`: the offset of the last change; a hole where there was none. */
  private readonly lastChanges: number[] = [];
  private counted: UserRules;

  constructor(
    userId: UserId,
    memberships: Iterable<Membership>,
    rules: UserRules,
    ignored: ReadonlySet<string>,
  ) {
    this.userId = userId;
    this.counted = { ...rules, ignored };
    for (const membership of memberships) this.change(membership);
  }

  /** Takes the next membership event. @returns whether it changes anything. */
  change(next: Membership): boolean {
    const { room_id, partition, offset, membership } = next;
    const history = this.histories.get(room_id) ?? [];
    const last = history.at(-1);
    if (last !== undefined && last.offset >= offset) return false;
    if (last?.membership === 'join' && membership === 'join') return false;
    if (last === undefined) this.histories.set(room_id, history);
    history.push(next);
    this.lastChanges[partition] = Math.max(this.lastChanges[partition] ?? 0, offset);
    if (membership === 'join') this.joined.add(room_id);
    else if (this.joined.delete(room_id)) this.readings.delete(room_id);
    return true;
  }

  /** What readings count by. Another object once it has changed. */
  get rules(): UserRules {
    return this.counted;
  }

  /** Whom the user ignores. */
  get ignored(): ReadonlySet<string> {
    return this.counted.ignored;
  }

  /** Takes newer push rules: all is counted anew. */
  obey({ rules, offset }: Pick<UserRules, 'rules' | 'offset'>): void {
    if (offset <= this.rules.offset) return;
    this.counted = { rules, offset, ignored: this.ignored };
    this.readings.clear();
  }

  /** Takes a newer list of whom the user ignores: all is counted anew. */
  ignore(users: ReadonlySet<string>): void {
    this.counted = { ...this.counted, ignored: users };
    this.readings.clear();
  }

  /** Takes in that the user forgot a room: until the membership changes again. */
  forget({ room_id, offset }: ForgottenRoom): void {
    const history = this.histories.get(room_id);
    const last = history?.at(-1);
    if (history === undefined || last === undefined || last.offset >= offset) return;
    history[history.length - 1] = { ...last, forgotten: last.forgotten ?? offset };
  }

  /** Every room that the user was ever in, invited to, or knocked on. */
  get rooms(): Iterable<RoomId> {
    return this.histories.keys();
  }

  /** The changes in a room, in the order of the log. */
  history(roomId: RoomId): readonly Membership[] {
    return this.histories.get(roomId) ?? [];
  }

  /** The membership before an offset of the room's partition. */
  membershipBefore(roomId: RoomId, offset: number): Membership | undefined {
    return this.history(roomId).findLast((one) => one.offset < offset);
  }

  /** Whether any membership changed at or behind these offsets of `rooms`. */
  changedSince(rooms: readonly number[]): boolean {
    return this.lastChanges.some((offset, partition) => offset >= (rooms[partition] ?? 0));
  }

  /** Whether anything in a partition of `rooms` was ever the user's. */
  concerns(partition: number): boolean {
    return this.lastChanges[partition] !== undefined;
  }

  /** The offset of the first change in a partition of `rooms`; undefined where there was none. */
  firstChange(partition: number): number | undefined {
    let first: number | undefined;
    for (const [change] of this.histories.values()) {
      if (change?.partition === partition) first = Math.min(first ?? change.offset, change.offset);
    }
    return first;
  }

  /** Whether the user has, or had, any room. */
  get hasRooms(): boolean {
    return this.histories.size > 0;
  }

  /** The position as it goes into the user's token: 0 where nothing concerns the user. */
  relevant(position: SyncPosition, ownPartition: number): SyncPosition {
    const mine = (offset: number, partition: number) => (this.concerns(partition) ? offset : 0);
    return {
      rooms: position.rooms.map(mine),
      // Receipts stand with those who read: in any partition.
      user_values: position.user_values.map((offset, partition) =>
        this.hasRooms || partition === ownPartition ? offset : 0,
      ),
      // Presence stands with those who are present, in the first few partitions.
      ephemeral: position.ephemeral.map((offset, partition, { length }) =>
        this.hasRooms && partition < presencePartitions(length) ? offset : mine(offset, partition),
      ),
    };
  }

  /** Wakes who waits. */
  wake(before: SyncPosition): void {
    if (this.sleepers.size === 0) return;
    const woken = [...this.sleepers];
    this.sleepers.clear();
    for (const sleeper of woken) sleeper(before);
  }
}
