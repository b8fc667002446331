import type { EventPlace } from '../../../projections/timeline/queries.ts';
import type {
  ClosestQuery,
  VisiblePage,
  VisiblePageQuery,
  VisibleTimeline,
} from '../../../projections/timeline/visible-timeline.ts';
import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';
import type { StoredEvent } from './stored-event.ts';

/** Which events of a page are wanted (spec: client-server API, "Filtering", RoomEventFilter). */
export type EventFilter = NonNullable<PageQuery['filter']>;

/** A page of a room's timeline, asked for. */
export type PageQuery = VisiblePageQuery;

/** A page, in the direction asked for. */
export type Page = Omit<VisiblePage, 'events'> & { readonly events: readonly StoredEvent[] };

/** What HTTP asks of the model of timelines. */
export interface TimelineReads extends Pick<VisibleTimeline, 'isChild' | 'annotation'> {
  /** The event if it is in the room and the viewer may see it (history visibility). */
  event(roomId: RoomId, eventId: EventId, viewer: UserId): Promise<StoredEvent | undefined>;
  /** The event, in whatever room, if the viewer may see it. */
  eventAnywhere(eventId: EventId, viewer: UserId): Promise<StoredEvent | undefined>;
  /** Where an event of the room stands, whoever asks. */
  whereIs(roomId: RoomId, eventId: EventId): Promise<EventPlace | undefined>;
  page(query: PageQuery): Promise<Page>;
  /** The event nearest to a time in one direction, of those that the viewer may see. */
  closest(query: ClosestQuery): Promise<StoredEvent | undefined>;
}
