import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { ignoredUsers } from '../accounts/ignored-users.ts';
import type { ModelDatabase } from '../framework/active-schemas.ts';
import type { RoomStateQueries } from '../room_state/queries.ts';
import type { HistoryView } from '../room_state/visibility.ts';
import { withoutErased } from './erased-senders.ts';
import { readRelations, withRelations } from './event-relations.ts';
import type { EventFilter } from './page-query.ts';
import type { EventPlace, TimelineQueries } from './queries.ts';
import type { StoredEvent } from './stored-event.ts';
import { withTold } from './told-events.ts';

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

/** Which event is nearest to a time, asked for. */
export interface ClosestQuery {
  readonly roomId: RoomId;
  readonly viewer: UserId;
  /** Milliseconds since the epoch. */
  readonly ts: number;
  /** `f`: at that time or after it; `b`: at that time or before it. */
  readonly direction: 'b' | 'f';
}

/**
 * Timelines as a user sees them. Events say what the viewer's membership was (`unsigned.membership`) and
 * come with what is told of their children.
 */
export interface VisibleTimeline extends Pick<TimelineQueries, 'isChild' | 'annotation'> {
  /** The event if it is in the room and the viewer may see it. */
  event(roomId: RoomId, eventId: EventId, viewer: UserId): Promise<StoredEvent | undefined>;
  /** The event, in whatever room, if the viewer may see it. */
  eventAnywhere(eventId: EventId, viewer: UserId): Promise<StoredEvent | undefined>;
  /** Where an event of the room stands, whoever asks. */
  whereIs(roomId: RoomId, eventId: EventId): Promise<EventPlace | undefined>;
  /** Without messages of those whom the viewer ignores. */
  page(query: VisiblePageQuery): Promise<VisiblePage>;
  /** The event nearest to a time in one direction, of those that the viewer may see. */
  closest(query: ClosestQuery): Promise<StoredEvent | undefined>;
}

/** Steps in which hidden events are passed over; a page that is still not full says where to go on. */
const MOST_STEPS = 10;

/** Timelines through the eyes of users, from both models. */
export function visibleTimeline(
  db: ModelDatabase,
  timeline: TimelineQueries,
  rooms: RoomStateQueries,
): VisibleTimeline {
  const ifVisible = async (
    event: StoredEvent | undefined,
    viewer: UserId,
  ): Promise<StoredEvent | undefined> => {
    if (event === undefined) return undefined;
    const view = await rooms.visibility(event.room_id, viewer);
    if (!view.canSee(event)) return undefined;
    const reader = { roomId: event.room_id, viewer, view, ignored: await ignoredUsers(db, viewer) };
    return (await related(db, [view.withoutHiddenPast(event)], reader))[0];
  };
  return {
    event: async (roomId, eventId, viewer) => ifVisible(await timeline.event(roomId, eventId), viewer),
    eventAnywhere: async (eventId, viewer) => ifVisible(await timeline.eventAnywhere(eventId), viewer),
    whereIs: (roomId, eventId) => timeline.whereIs(roomId, eventId),
    isChild: (roomId, eventId) => timeline.isChild(roomId, eventId),
    annotation: (roomId, annotation) => timeline.annotation(roomId, annotation),
    page: async (query) => {
      const [view, ignored] = await Promise.all([
        rooms.visibility(query.roomId, query.viewer),
        ignoredUsers(db, query.viewer),
      ]);
      const page = await readPage(timeline, rooms, { ...query, filter: { ...query.filter, ignored } }, view);
      const reader = { ...query, view, ignored };
      return { ...page, events: await related(db, page.events, reader) };
    },
    closest: (query) => readClosest(timeline, rooms, query),
  };
}

/** The event with its reader's membership, and so what is told with it. */
function withMembership(view: HistoryView, event: StoredEvent): StoredEvent {
  const whole = withTold(event, (one) => withMembership(view, one));
  return { ...whole, membership: view.membershipAt(event) };
}

/** The events with what their reader may be told of their children, redacted where senders wanted to be erased. */
async function related(
  db: ModelDatabase,
  events: readonly StoredEvent[],
  reader: {
    readonly roomId: RoomId;
    readonly viewer: UserId;
    readonly view: HistoryView;
    readonly ignored: readonly string[];
  },
): Promise<readonly StoredEvent[]> {
  const { roomId, viewer, view, ignored } = reader;
  const all = await readRelations(db, events, {
    user_id: viewer,
    ignored,
    visible: new Map([[roomId, view.ranges()]]),
  });
  const told = all.size === 0 ? events : events.map((event) => withRelations(event, all));
  const served = await withoutErased(db, told, new Map([[roomId, view]]));
  return served.map((event) => withMembership(view, event));
}

async function readPage(
  timeline: TimelineQueries,
  rooms: RoomStateQueries,
  query: VisiblePageQuery,
  view: HistoryView,
): Promise<VisiblePage> {
  const { roomId, direction, limit } = query;
  const start = query.from ?? (direction === 'b' ? ((await rooms.room(roomId))?.place ?? 0) + 1 : 0);
  const { from: begin, to } = within(view, query);
  if (direction === 'b' ? begin <= to : begin >= to) return { events: [], start };
  const events: StoredEvent[] = [];
  let from = begin;
  for (let step = 0; step < MOST_STEPS; step++) {
    // One more than is wanted tells whether there is anything further.
    const wanted = Math.max(limit - events.length, step === 0 ? 0 : 50) + 1;
    const bounds = { direction, limit: wanted, from, to };
    const found = await timeline.page(roomId, { ...bounds, ...filterOf(query) });
    for (const event of found.slice(0, wanted - 1)) {
      if (events.length === limit) return { events, start, next: from };
      if (view.canSee(event)) events.push(view.withoutHiddenPast(event));
      from = direction === 'b' ? event.place : event.place + 1;
    }
    if (found.length < wanted) return { events, start };
    if (events.length === limit) break;
  }
  // Before anything was passed over, the place to go on from is the one that was asked for.
  return { events, start, next: from === begin ? (query.from ?? start) : from };
}

function filterOf({ filter }: VisiblePageQuery): { readonly filter?: EventFilter } {
  return filter === undefined ? {} : { filter };
}

/** The part of a page's range in which the viewer may see anything. */
function within(view: HistoryView, { direction, from, to }: VisiblePageQuery): { from: number; to: number } {
  const { first, last } = view.bounds;
  const above = last < Number.MAX_SAFE_INTEGER ? last + 1 : last;
  return direction === 'b'
    ? { from: Math.min(from ?? above, above), to: Math.max(to ?? first, first) }
    : { from: Math.max(from ?? first, first), to: Math.min(to ?? above, above) };
}

/** Events looked at in one step of a search by time. */
const CLOSEST_STEP = 50;

async function readClosest(
  timeline: TimelineQueries,
  rooms: RoomStateQueries,
  { roomId, viewer, ts, direction }: ClosestQuery,
): Promise<StoredEvent | undefined> {
  const view = await rooms.visibility(roomId, viewer);
  const bounds = view.bounds;
  if (bounds.first > bounds.last) return undefined;
  let from: { readonly ts: number; readonly place?: number } = { ts };
  for (;;) {
    const found = await timeline.closest(roomId, { direction, limit: CLOSEST_STEP, ...from, ...bounds });
    const event = found.find((one) => view.canSee(one));
    if (event !== undefined) return withMembership(view, view.withoutHiddenPast(event));
    const last = found.at(-1);
    if (last === undefined || found.length < CLOSEST_STEP) return undefined;
    from = { ts: last.origin_server_ts, place: last.place };
  }
}
