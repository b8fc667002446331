import type { RoomId } from '../../src/matrix/identifiers.ts';
import { isWhole, type ModelRound, type TimelinedRoom } from './model-round.ts';
import { sendersToExplain } from './room-state.ts';
import { summaryFor } from './sync-answer.ts';
import type { SyncEvent } from './sync-event.ts';
import type { StateAsk, Summary } from './sync-reads.ts';

type States = ReadonlyMap<RoomId, readonly SyncEvent[]>;

const NONE: States = new Map();

/** `state` or `state_after` of rooms, as far as their clients do not have it, with what lazy loading adds. */
export async function statesOf(
  round: ModelRound,
  rooms: readonly TimelinedRoom[],
  summaries: ReadonlyMap<RoomId, Summary>,
): Promise<States> {
  const asks = present(rooms, (room) => stateAsk(round, room, summaries.get(room.room_id)));
  const [base, hidden] = await Promise.all([ask(round, asks), hiddenStates(round, rooms)]);
  const states = new Map<RoomId, readonly SyncEvent[]>();
  for (const { room_id } of rooms) {
    states.set(room_id, [...(base.get(room_id) ?? []), ...(hidden.get(room_id) ?? [])]);
  }
  const more = present(rooms, (room) => membersAsk(round, room, states.get(room.room_id) ?? []));
  const members = more.length === 0 ? NONE : await round.reads.states(more, []);
  for (const [roomId, events] of members) states.set(roomId, [...(states.get(roomId) ?? []), ...events]);
  const { state } = round.request.filter;
  for (const [roomId, events] of states)
    states.set(
      roomId,
      events.filter((event) => state.takes(event)),
    );
  return states;
}

/** The state before the timeline, or after it. */
function stateAsk(
  round: ModelRound,
  room: TimelinedRoom,
  summary: Summary | undefined,
): StateAsk | undefined {
  const { request } = round;
  const { room_id, timeline, upTo, afterPlace } = room;
  const whole = isWhole(round, room);
  const at = request.stateAfter ? upTo : timeline.prevPlace - 1;
  const after = whole ? -1 : afterPlace;
  if (at <= after) return undefined;
  if (!whole || request.members === undefined) return { room_id, after, at, members: 'all' };
  const heroes = summary === undefined ? [] : summaryFor(summary, request.user_id).heroes;
  // What changed since the token is told whatever the device knows: it would keep what is no longer so.
  const changed = room.changed.flatMap(({ type, state_key }) =>
    type === 'm.room.member' && state_key !== null ? [state_key] : [],
  );
  const members = new Set<string>([...sendersOf(round, room), request.user_id, ...heroes, ...changed]);
  return { room_id, after, at, members: [...members] };
}

/** State behind the start of the timelines that their filter leaves out (see `hiddenState`). */
async function hiddenStates(round: ModelRound, rooms: readonly TimelinedRoom[]): Promise<States> {
  const { request } = round;
  const { timeline } = request.filter;
  if (timeline.all || request.stateAfter) return NONE;
  const strange = rooms.filter(({ known }) => !known);
  const found = await ask(
    round,
    strange.map(({ room_id, upTo, timeline: { prevPlace } }) => {
      return { room_id, after: prevPlace - 1, at: upTo, members: 'all' };
    }),
  );
  return new Map(
    rooms.map((room) => {
      const after = room.timeline.prevPlace - 1;
      const changed = room.known
        ? room.changed.filter(({ place }) => place > after)
        : (found.get(room.room_id) ?? []);
      return [room.room_id, changed.filter((event) => !timeline.takes(event))];
    }),
  );
}

/** Member events that lazy loading adds to a difference. */
function membersAsk(
  round: ModelRound,
  room: TimelinedRoom,
  state: readonly SyncEvent[],
): StateAsk | undefined {
  const { members, stateAfter, filter } = round.request;
  if (members === undefined || isWhole(round, room)) return undefined;
  const { room_id, timeline, upTo } = room;
  const wanted = sendersOf(round, room);
  for (const { type, state_key } of state) if (type === 'm.room.member') wanted.delete(state_key ?? '');
  const missing = [...wanted].filter((sender) => filter.redundantMembers || !members.knows(room_id, sender));
  if (missing.length === 0) return undefined;
  return { room_id, after: -1, at: stateAfter ? upTo : timeline.prevPlace - 1, members: missing };
}

function sendersOf({ request }: ModelRound, { timeline }: TimelinedRoom): Set<string> {
  const { events } = timeline;
  return new Set<string>(request.stateAfter ? events.map(({ sender }) => sender) : sendersToExplain(events));
}

async function ask({ reads }: ModelRound, asks: readonly StateAsk[]): Promise<States> {
  return asks.length === 0 ? NONE : reads.states(asks);
}

function present<T, R>(items: readonly T[], make: (item: T) => R | undefined): readonly R[] {
  return items.flatMap((item) => {
    const made = make(item);
    return made === undefined ? [] : [made];
  });
}
