import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';
import type { StoredEvent } from './stored-event.ts';

/** Which events of a page are wanted (spec: client-server API, "Filtering", RoomEventFilter). */
export interface EventFilter {
  /** `*` matches any run of characters. */
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
  readonly contains_url?: boolean;
}

/** A page of a room's timeline, asked for. */
export interface PageQuery {
  readonly roomId: RoomId;
  /** Who reads: events that this user may not see are left out (history visibility). */
  readonly viewer: UserId;
  readonly direction: 'b' | 'f';
  /**
   * A position between places, in the room's order. Backwards: events at places below it; forwards: at or
   * above it. Undefined: from the newest (backwards) or the oldest (forwards).
   */
  readonly from?: number;
  /** Where to stop: a position like `from`. */
  readonly to?: number;
  readonly limit: number;
  readonly filter?: EventFilter;
}

/** A page, in the direction asked for. */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** The position that this page began at. */
  readonly start: number;
  /** The position to go on from; undefined when there is nothing further. */
  readonly next?: number;
}

/** What HTTP asks of the model of timelines. */
export interface TimelineReads {
  /** The event if it is in the room and the viewer may see it (history visibility). */
  event(roomId: RoomId, eventId: EventId, viewer: UserId): Promise<StoredEvent | undefined>;
  /** The place of an event of the room, whoever asks. */
  place(roomId: RoomId, eventId: EventId): Promise<number | undefined>;
  page(query: PageQuery): Promise<Page>;
}
