import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ThreadPlace } from '../../src/matrix/relations.ts';
import type { HistoryView } from '../room_state/visibility.ts';
import type { EventRelations } from '../timeline/stored-event.ts';
import type { CountedUnread } from './reading.ts';
import type { AccountDatum, Membership, Receipt, Replaced, SyncEvent } from './sync-event.ts';
import type { EventSelection } from './sync-filter.ts';
import type { UserRules } from './user-rules.ts';

/** The topics that read models of a sync are made of. */
export type ModelTopic = 'rooms' | 'user_values';

/** An offset in a room's partition. */
export interface RoomOffset {
  readonly room_id: RoomId;
  readonly offset: number;
}

/** A place of a room; the state "at" it has the event there in it. */
export interface RoomPlace {
  readonly room_id: RoomId;
  readonly place: number;
}

/** The newest events of a room, asked for: those at `after < place <= upTo`. */
export interface TimelineAsk {
  readonly room_id: RoomId;
  readonly after: number;
  readonly upTo: number;
}

/** What the state at `at` has that began to hold behind `after` (-1: everything). */
export interface StateAsk {
  readonly room_id: RoomId;
  readonly after: number;
  readonly at: number;
  /** Of the member events only those of these users, each named once. */
  readonly members: 'all' | readonly string[];
}

/** Which receipts are asked for in a room: all, or those since a position. */
export interface ReceiptAsk {
  readonly room_id: RoomId;
  readonly all: boolean;
}

/** Which state event held before a place. */
export interface ReplacedAsk extends RoomPlace {
  readonly type: string;
  readonly state_key: string;
}

/** Events of a room's timeline whose children are asked for: those at places up to `upTo`. */
export interface RelationsAsk {
  readonly room_id: RoomId;
  /** All of the user's to see, from the first of them up to `upTo`. */
  readonly events: readonly SyncEvent[];
  readonly upTo: number;
}

/** Who asks for them. */
export interface RelationsReader {
  readonly user_id: UserId;
  /** Children that these have sent are left out. */
  readonly ignored: ReadonlySet<string>;
}

/** How long a room's history visibility was what: from `place` on, until the next begins. */
export interface VisibilityFrom {
  readonly place: number;
  readonly visibility: string;
}

/** What a profile shows of a user in rooms and presence. */
export interface ShownProfile {
  readonly displayname?: string;
  readonly avatar_url?: string;
}

/** `summary` of a room. */
export interface Summary {
  readonly joined: number;
  readonly invited: number;
  /** Up to six of those who are there or invited, in the order in which they came. */
  readonly heroes: readonly UserId[];
  /** Up to six of those who were, where hardly anybody is left. */
  readonly former: readonly UserId[];
}

/**
 * What a sync asks of the read models, each for many rooms at once. Answers are as of the places and offsets that
 * are given, not of now, so that what the models write meanwhile is left for the next sync. Rooms without an
 * answer are missing from the maps.
 */
export interface SyncReads {
  /** The first offset of each partition that is not in all the models that sync asks. */
  reached(topic: ModelTopic): readonly number[];
  /** Resolves true when `reached` is at `end` or further, false after `timeoutMs`. */
  reach(topic: ModelTopic, partition: number, end: number, timeoutMs: number): Promise<boolean>;
  /** Every change of the user's memberships before these offsets, each room's in log order. */
  memberships(userId: UserId, below: readonly number[]): Promise<readonly Membership[]>;
  /** Of the rooms those with an event at or behind the offset. */
  touched(rooms: readonly RoomOffset[]): Promise<ReadonlySet<RoomId>>;
  /** The place of the last event before the offset; 0 when there is none. */
  places(rooms: readonly RoomOffset[]): Promise<readonly number[]>;
  /** The newest `limit` events of the selection, oldest first. State events say what they replaced. */
  timelines(
    asks: readonly TimelineAsk[],
    selection: EventSelection,
    limit: number,
  ): Promise<ReadonlyMap<RoomId, readonly SyncEvent[]>>;
  /**
   * Events of the state, with what they replaced.
   * @param types only these types, with the empty state key, and the members asked for.
   */
  states(
    asks: readonly StateAsk[],
    types?: readonly string[],
  ): Promise<ReadonlyMap<RoomId, readonly SyncEvent[]>>;
  replaced(asks: readonly ReplacedAsk[]): Promise<readonly (Replaced | undefined)[]>;
  /** Every setting of the history visibility, oldest first. */
  visibilities(rooms: readonly RoomId[]): Promise<ReadonlyMap<RoomId, readonly VisibilityFrom[]>>;
  summaries(rooms: readonly RoomPlace[]): Promise<ReadonlyMap<RoomId, Summary>>;
  /**
   * The receipts at `since <= offset < below`, without fully-read markers and without the private ones of others.
   */
  receipts(
    userId: UserId,
    asks: readonly ReceiptAsk[],
    since: readonly number[],
    below: readonly number[],
  ): Promise<ReadonlyMap<RoomId, readonly Receipt[]>>;
  /** Account data (and fully-read markers) at `from <= offset < below`, in log order. */
  accountData(userId: UserId, from: number, below: number): Promise<readonly AccountDatum[]>;
  /** What is told of the children of events to a user; of events without any nothing. */
  relations(
    reader: RelationsReader,
    asks: readonly RelationsAsk[],
  ): Promise<ReadonlyMap<EventId, EventRelations<SyncEvent>>>;
  /** The events as the user may be served them where senders wanted to be erased; the same list where none did. */
  withoutErased(
    events: readonly SyncEvent[],
    views: ReadonlyMap<RoomId, HistoryView>,
  ): Promise<readonly SyncEvent[]>;
  /** In which threads events of a room are; those of the main timeline and unknown ones are missing. */
  threads(roomId: RoomId, events: readonly EventId[]): Promise<ReadonlyMap<EventId, ThreadPlace>>;
  /** Those of the users who share a room with one of them, now. */
  sharing(userId: UserId, users: readonly UserId[]): Promise<ReadonlySet<string>>;
  /** The rooms that the user is in, as the model has it now. */
  joined(userId: UserId): Promise<readonly RoomId[]>;
  /**
   * Display name and avatar of users who have any. @param users with the offset in `users` that the model must have
   * (waited for a short while).
   */
  shownProfiles(
    users: readonly { readonly user_id: UserId; readonly profile: number }[],
  ): Promise<ReadonlyMap<UserId, ShownProfile>>;
  /** Whom the user ignores, as the model has it now. */
  ignored(userId: UserId): Promise<ReadonlySet<string>>;
  /** Whether the user takes no invitations, as the model has it now. */
  blocksInvites(userId: UserId): Promise<boolean>;
  /** The user's push rules as the model has them now. */
  pushRules(userId: UserId): Promise<UserRules>;
  /** What is unread at a place under the user's rules. */
  unread(
    userId: UserId,
    rules: UserRules,
    rooms: readonly RoomPlace[],
  ): Promise<ReadonlyMap<RoomId, CountedUnread>>;
  /** Whether a member may mention the whole room, at a place. */
  mayMentionRoom(room: RoomPlace, sender: UserId): Promise<boolean>;
}
