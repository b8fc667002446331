import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { HistoryView } from '../room_state/visibility.ts';
import { withRelations } from '../timeline/event-relations.ts';
import type { LiveTail } from './live-tail.ts';
import { historyView, mayHidePast } from './past-visibility.ts';
import type { RoomPlan } from './room-plans.ts';
import type { Timeline } from './sync-answer.ts';
import { type AccountDatum, changesCounts, type SyncEvent } from './sync-event.ts';
import type { SyncReads } from './sync-reads.ts';
import type { PreparedRequest } from './sync-request.ts';
import type { SyncPosition } from './token.ts';
import type { UserRules } from './user-rules.ts';

/** One request as it is answered from the models. */
export interface ModelRound {
  readonly request: PreparedRequest;
  readonly tail: LiveTail;
  readonly reads: SyncReads;
  readonly since: SyncPosition | undefined;
  /** What unread events are counted by. */
  readonly rules: UserRules;
  /** Up to where it is answered. */
  readonly position: SyncPosition;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A room of the answer: the plan, in places. */
export interface RoomRange extends RoomPlan {
  /** The client has everything up to this place; 0 when it has nothing. */
  readonly afterPlace: number;
  /** The last place of the answer. */
  readonly upTo: number;
}

/** A room with its timeline. */
export interface TimelinedRoom extends RoomRange {
  readonly timeline: Timeline & { readonly prevPlace: number };
  /** What the user may see; undefined where that is all of the range. */
  readonly view: HistoryView | undefined;
  /** State that began to hold within the range and holds at its end. Empty where the client has no state. */
  readonly changed: readonly SyncEvent[];
}

/** The places of plans. */
export async function rangesOf(
  { reads }: ModelRound,
  plans: readonly RoomPlan[],
): Promise<readonly RoomRange[]> {
  const places = await reads.places(
    plans.flatMap(({ room_id, after, below }) => [
      { room_id, offset: after ?? 0 },
      { room_id, offset: below },
    ]),
  );
  return plans.map((plan, index) => ({
    ...plan,
    afterPlace: places[2 * index] ?? 0,
    upTo: places[2 * index + 1] ?? 0,
  }));
}

/** Who types in a room; undefined when the client need not be told. */
export function typingOf(
  { tail, since, now, request }: ModelRound,
  plan: RoomPlan,
): readonly string[] | undefined {
  const { room_id, known, history } = plan;
  if (!request.filter.ephemeral.takes({ type: 'm.typing', room_id })) return undefined;
  const partition = history[0]?.partition ?? 0;
  const room = tail.room(room_id);
  const typing = room?.typing(now, request.ignored) ?? [];
  const from = since?.ephemeral[partition] ?? 0;
  if (known && since !== undefined && room?.typingChanged(since) === true) return typing;
  // Of what was before the window nobody knows: whoever types now is told.
  const told = known && tail.window.holdsFrom('ephemeral', partition, from);
  return told || typing.length === 0 ? undefined : typing;
}

/** Adds timelines. */
export async function withTimelines(
  { reads, request }: ModelRound,
  ranges: readonly RoomRange[],
): Promise<readonly TimelinedRoom[]> {
  const { timeline: selection, limit } = request.filter;
  const wanted = ranges.filter(({ room_id }) => selection.takesRoom(room_id));
  const strange = ranges.filter(({ known }) => !known).map(({ room_id }) => room_id);
  const known = ranges.filter((range) => range.known && range.upTo > range.afterPlace);
  const [timelines, visibilities, changes] = await Promise.all([
    reads.timelines(
      wanted.map(({ room_id, afterPlace: after, upTo }) => ({ room_id, after, upTo })),
      selection,
      limit + 1,
    ),
    strange.length === 0 ? undefined : reads.visibilities(strange),
    known.length === 0
      ? new Map<RoomId, readonly SyncEvent[]>()
      : reads.states(
          known.map(({ room_id, afterPlace: after, upTo: at }) => ({ room_id, after, at, members: 'all' })),
        ),
  ]);
  return ranges.map((range) => {
    const events = timelines.get(range.room_id) ?? [];
    const settings = visibilities?.get(range.room_id) ?? [];
    const changed = range.known ? (changes.get(range.room_id) ?? []) : [];
    const view = range.known ? undefined : historyView(request.user_id, settings, range.history);
    return { ...range, view, timeline: timelineOf(range, events, view, limit), changed };
  });
}

function timelineOf(
  { known, afterPlace, upTo }: RoomRange,
  found: readonly SyncEvent[],
  view: HistoryView | undefined,
  limit: number,
): TimelinedRoom['timeline'] {
  const isVisible = (event: SyncEvent | undefined) =>
    event === undefined || view === undefined || view.canSee(event);
  let from = found.length;
  // Backwards to the first event that the user may not see: a timeline has no holes.
  while (from > 0 && found.length - from < limit && isVisible(found[from - 1])) from -= 1;
  const seen = found.slice(from);
  // Of an earlier stay nobody knows whether this client has had it: there may be a gap.
  const limited = from > 0 || (!known && afterPlace > 0);
  return { events: seen, limited, prevPlace: seen[0]?.place ?? upTo + 1 };
}

/**
 * Timelines and states without replaced contents that the user may not see. Rooms whose clients have been in them are
 * looked into only where a state event of before is replaced.
 */
export async function withoutHiddenPast(
  { reads, request }: ModelRound,
  rooms: readonly TimelinedRoom[],
  states: ReadonlyMap<RoomId, readonly SyncEvent[]>,
): Promise<readonly [readonly TimelinedRoom[], ReadonlyMap<RoomId, readonly SyncEvent[]>]> {
  const late = rooms.filter(({ room_id, view, history, timeline }) => {
    const mayHide = mayHidePast(history);
    return view === undefined && (timeline.events.some(mayHide) || states.get(room_id)?.some(mayHide));
  });
  const settings =
    late.length === 0 ? undefined : await reads.visibilities(late.map(({ room_id }) => room_id));
  const views = new Map(rooms.map(({ room_id, view }) => [room_id, view]));
  for (const { room_id, history } of late) {
    views.set(room_id, historyView(request.user_id, settings?.get(room_id) ?? [], history));
  }
  const shown = (roomId: RoomId, events: readonly SyncEvent[]): readonly SyncEvent[] => {
    const view = views.get(roomId);
    return view === undefined ? events : events.map((event) => view.withoutHiddenPast(event));
  };
  return [
    rooms.map((room) => {
      const { room_id, timeline } = room;
      return { ...room, timeline: { ...timeline, events: shown(room_id, timeline.events) } };
    }),
    new Map([...states].map(([roomId, events]) => [roomId, shown(roomId, events)])),
  ];
}

/**
 * Timelines as they are told: with what is told of their events' children, and redacted where senders wanted to be
 * erased. Who was in the room since the token could see all of it before: that costs first syncs and joins only.
 */
export async function toldTimelines(
  round: ModelRound,
  timelined: readonly TimelinedRoom[],
): Promise<readonly TimelinedRoom[]> {
  const rooms = await withChildren(round, timelined);
  const strange = rooms.filter(({ view, timeline }) => view !== undefined && timeline.events.length > 0);
  if (strange.length === 0) return rooms;
  const views = new Map(
    strange.flatMap(({ room_id, view }) => (view === undefined ? [] : [[room_id, view]])),
  );
  const events = strange.flatMap(({ timeline }) => timeline.events);
  const served = await round.reads.withoutErased(events, views);
  if (served === events) return rooms;
  const byRoom = Map.groupBy(served, ({ room_id }) => room_id);
  return rooms.map((room) => {
    const shown = views.has(room.room_id) ? byRoom.get(room.room_id) : undefined;
    return shown === undefined ? room : { ...room, timeline: { ...room.timeline, events: shown } };
  });
}

/**
 * Adds what is told of the events' children, where a timeline is limited: all others have the children with them
 * (spec: client-server API, "Aggregations of child events").
 */
async function withChildren(
  { reads, request }: ModelRound,
  rooms: readonly TimelinedRoom[],
): Promise<readonly TimelinedRoom[]> {
  const asks = rooms
    .filter(({ timeline }) => timeline.limited && timeline.events.length > 0)
    .map(({ room_id, timeline, upTo }) => ({ room_id, events: timeline.events, upTo }));
  if (asks.length === 0) return rooms;
  const all = await reads.relations(request, asks);
  if (all.size === 0) return rooms;
  return rooms.map((room) => {
    const { timeline } = room;
    return {
      ...room,
      timeline: { ...timeline, events: timeline.events.map((one) => withRelations(one, all)) },
    };
  });
}

/** Whether the client gets the whole state of the room, not a difference. */
export function isWhole({ request }: ModelRound, { known }: RoomPlan): boolean {
  return !known || request.fullState;
}

/** The account data of a room as it goes into the answer. */
export function roomData(
  { request, since }: ModelRound,
  data: readonly AccountDatum[],
  room: { readonly room_id: RoomId; readonly known: boolean },
): readonly AccountDatum[] {
  const from = room.known ? (since?.user_values[request.ownPartition] ?? 0) : 0;
  return data.filter(
    (datum) =>
      datum.room_id === room.room_id && datum.offset >= from && request.filter.roomAccountData.takes(datum),
  );
}

/**
 * Whether other push rules hold, or others are ignored, than when the client last asked: rooms with anything unread
 * count otherwise.
 */
export function haveRulesChanged({ request, since }: ModelRound, data: readonly AccountDatum[]): boolean {
  const from = since?.user_values[request.ownPartition] ?? 0;
  return since !== undefined && data.some((datum) => datum.offset >= from && changesCounts(datum));
}
