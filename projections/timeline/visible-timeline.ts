import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { ignoredUsers } from '../accounts/ignored-users.ts';
import type { ModelDatabase } from '../framework/active-schemas.ts';
import type { RoomStateQueries } from '../room_state/queries.ts';
import type { HistoryView } from '../room_state/visibility.ts';
import { readRelations, withRelations } from './event-relations.ts';
import type { EventFilter } from './page-query.ts';
import type { TimelineQueries } from './queries.ts';
import type { StoredEvent } from './stored-event.ts';

/** A page of a room's timeline as one user sees it, asked for; `from`, `to` as in `PageBounds`. */
export interface VisiblePageQuery {
  readonly roomId: RoomId;
  /** Who reads: events that this user may not see are left out (history visibility). */
  readonly viewer: UserId;
  readonly direction: 'b' | 'f';
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
  readonly filter?: EventFilter;
}

/** A page, in the direction asked for. */
export interface VisiblePage {
  readonly events: readonly StoredEvent[];
  /** The position that this page began at. */
  readonly start: number;
  /** The position to go on from; undefined when there is nothing further. */
  readonly next?: number;
}

/** Timelines as a user sees them. Events come with what is told of their children. */
export interface VisibleTimeline extends Pick<TimelineQueries, 'isChild' | 'annotation'> {
  /** The event if it is in the room and the viewer may see it. */
  event(roomId: RoomId, eventId: EventId, viewer: UserId): Promise<StoredEvent | undefined>;
  /** The place of an event of the room, whoever asks. */
  place(roomId: RoomId, eventId: EventId): Promise<number | undefined>;
  page(query: VisiblePageQuery): Promise<VisiblePage>;
}

/** Steps in which hidden events are passed over; a page that is still not full says where to go on. */
const MOST_STEPS = 10;

/** Timelines through the eyes of users, from both models. */
export function visibleTimeline(
  db: ModelDatabase,
  timeline: TimelineQueries,
  rooms: RoomStateQueries,
): VisibleTimeline {
  return {
    event: async (roomId, eventId, viewer) => {
      const event = await timeline.event(roomId, eventId);
      if (event === undefined) return undefined;
      const view = await rooms.visibility(roomId, viewer);
      if (!view.canSee(event)) return undefined;
      return (await related(db, [event], { roomId, viewer, view }))[0];
    },
    place: (roomId, eventId) => timeline.place(roomId, eventId),
    isChild: (roomId, eventId) => timeline.isChild(roomId, eventId),
    annotation: (roomId, annotation) => timeline.annotation(roomId, annotation),
    page: async (query) => {
      const view = await rooms.visibility(query.roomId, query.viewer);
      const page = await readPage(timeline, rooms, query, view);
      return { ...page, events: await related(db, page.events, { ...query, view }) };
    },
  };
}

/** The events with what their reader may be told of their children. */
async function related(
  db: ModelDatabase,
  events: readonly StoredEvent[],
  reader: { readonly roomId: RoomId; readonly viewer: UserId; readonly view: HistoryView },
): Promise<readonly StoredEvent[]> {
  if (events.every(({ state_key }) => state_key !== null)) return events;
  const { roomId, viewer, view } = reader;
  const all = await readRelations(db, events, {
    user_id: viewer,
    ignored: await ignoredUsers(db, viewer),
    visible: new Map([[roomId, view.ranges()]]),
  });
  return all.size === 0 ? events : events.map((event) => withRelations(event, all));
}

async function readPage(
  timeline: TimelineQueries,
  rooms: RoomStateQueries,
  query: VisiblePageQuery,
  view: HistoryView,
): Promise<VisiblePage> {
  const { roomId, direction, limit } = query;
  const start = query.from ?? (direction === 'b' ? ((await rooms.room(roomId))?.place ?? 0) + 1 : 0);
  const events: StoredEvent[] = [];
  let from = query.from;
  for (let step = 0; step < MOST_STEPS; step++) {
    // One more than is wanted tells whether there is anything further.
    const wanted = Math.max(limit - events.length, step === 0 ? 0 : 50) + 1;
    const found = await timeline.page(roomId, {
      direction,
      limit: wanted,
      ...(from === undefined ? {} : { from }),
      ...(query.to === undefined ? {} : { to: query.to }),
      ...(query.filter === undefined ? {} : { filter: query.filter }),
    });
    for (const event of found.slice(0, wanted - 1)) {
      if (events.length === limit) return { events, start, next: from ?? start };
      if (view.canSee(event)) events.push(event);
      from = direction === 'b' ? event.place : event.place + 1;
    }
    if (found.length < wanted) return { events, start };
    if (events.length === limit) break;
  }
  return { events, start, next: from ?? start };
}
