import { asUserId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { withRelations } from '../timeline/event-relations.ts';
import type { LiveTail } from './live-tail.ts';
import { historyView, mayHidePast } from './past-visibility.ts';
import { covers, mostOf } from './position.ts';
import { sendersToExplain, shownReceipts, stateWithin } from './room-state.ts';
import type { RoomTail } from './room-tail.ts';
import { type Collected, isEmptyRoom, type JoinedRoom, summaryFor, type Timeline } from './sync-answer.ts';
import { type AccountDatum, changesCounts, type SyncEvent } from './sync-event.ts';
import type { PreparedRequest } from './sync-request.ts';
import type { TailEvent } from './tail-event.ts';
import type { TailLookups } from './tail-lookups.ts';
import { cutTimeline, hiddenState, type TimelineCut } from './timeline-cut.ts';
import type { SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';

/** The tail does not have it: ask the models. */
export const ASK_MODELS = Symbol('ask the models');

/** One request as it is answered from the tail. */
interface Round {
  readonly request: PreparedRequest;
  readonly view: UserView;
  readonly since: SyncPosition;
  /** Account data since then. */
  readonly data: readonly AccountDatum[];
}

/** What happened in one room. */
interface RoomRange {
  readonly roomId: RoomId;
  readonly room: RoomTail;
  readonly events: readonly TailEvent[];
  readonly cut: TimelineCut<TailEvent>;
  /** All of the answer that needs no events. */
  readonly base: Pick<JoinedRoom, 'room_id' | 'memberships' | 'account_data' | 'receipts' | 'typing'>;
  /** Whether the counts may have changed. */
  readonly counts: boolean;
}

/**
 * Answers an incremental sync from the tail: for a user whose memberships have not changed since a position that
 * is in the window. Everything else is for the models.
 */
export class MemorySync {
  private readonly tail: LiveTail;
  private readonly lookups: TailLookups;
  private readonly now: () => number;

  constructor(tail: LiveTail, lookups: TailLookups, now: () => number) {
    this.tail = tail;
    this.lookups = lookups;
    this.now = now;
  }

  /** What has happened since a position, or that the models must be asked. `view` is live. */
  async answer(
    request: PreparedRequest,
    view: UserView,
    since: SyncPosition,
  ): Promise<Collected | typeof ASK_MODELS> {
    const { ownPartition, filter } = request;
    if (view.changedSince(since.rooms)) return ASK_MODELS;
    const needed = view.relevant(this.tail.window.startPosition(), ownPartition);
    if (!covers(since, needed)) return ASK_MODELS;
    const position = mostOf(this.tail.position(), since);
    const data = this.tail.user(view.userId)?.accountDataSince(since.user_values[ownPartition] ?? 0) ?? [];
    // Other push rules make other counts, in rooms where nothing else has happened as well.
    if (data.some(changesCounts)) return ASK_MODELS;
    const round = { request, view, since, data };
    // Each room's events are taken before anything is waited for: all answers are as of one moment.
    const rooms = this.changedRooms(round).map((roomId) => this.room(round, roomId));
    const join: JoinedRoom[] = [];
    for (const room of await Promise.all(rooms)) {
      if (room === ASK_MODELS) return ASK_MODELS;
      if (!isEmptyRoom(room)) join.push(room);
    }
    const account_data = data.filter((datum) => datum.room_id === null && filter.accountData.takes(datum));
    return { position, account_data, join, invite: [], knock: [], leave: [] };
  }

  private changedRooms({ view, since, data, request }: Round): readonly RoomId[] {
    const rooms = new Set(this.tail.changedRooms(since, view.joined));
    for (const { room_id } of data) if (room_id !== null && view.joined.has(room_id)) rooms.add(room_id);
    return [...rooms].filter((roomId) => request.filter.room(roomId));
  }

  private room(round: Round, roomId: RoomId): JoinedRoom | Promise<JoinedRoom | typeof ASK_MODELS> {
    const { request, since, data, view } = round;
    const { filter } = request;
    const account_data = data.filter(
      (datum) => datum.room_id === roomId && filter.roomAccountData.takes(datum),
    );
    const room = this.tail.room(roomId);
    const common = { room_id: roomId, memberships: view.history(roomId), account_data };
    if (room === undefined) {
      return { ...common, receipts: [], timeline: { events: [], limited: false }, state: [] };
    }
    const events = room.events.slice(room.indexFrom(since.rooms[room.partition] ?? 0));
    const cut = cutTimeline(events, ({ event }) => event, filter.timeline, filter.limit);
    const base = { ...common, ...this.ephemeral(round, roomId, room) };
    const counts = events.length > 0 || ownReceiptsSince(room, since, view.userId);
    const range = { roomId, room, events, cut, base, counts };
    const unread = counts ? this.lookups.unreadNow(room, view, roomId) : undefined;
    const known = counts === (unread !== undefined) && events.every((event) => event.replacedKnown);
    const mayHide = mayHidePast(common.memberships);
    const needsView = events.some(({ event }) => mayHide(event));
    if (!known || needsView || cut.limited || this.mustExplain(round, range))
      return this.roomWithLookups(round, range);
    return { ...base, ...shown(request, range), ...(unread === undefined ? {} : { unread }) };
  }

  /** As `room`, where something beside the tail has to be asked. */
  private async roomWithLookups(
    { request, view }: Round,
    range: RoomRange,
  ): Promise<JoinedRoom | typeof ASK_MODELS> {
    const { roomId, room, events, counts, base } = range;
    const last = events.findLast((one) => one.membership !== undefined);
    const [summary, unread] = await Promise.all([
      last === undefined ? undefined : this.lookups.summary(room, last),
      counts ? this.lookups.unread(room, view, roomId) : undefined,
      this.lookups.fillReplaced(room, events),
    ]);
    if (last !== undefined && summary === undefined) return ASK_MODELS;
    if (counts && unread === undefined) return ASK_MODELS;
    const { timeline: bare, state } = shown(request, range);
    const timeline = await this.withChildren(request, range, bare);
    if (timeline === undefined) return ASK_MODELS;
    const members = await this.explain(request, range, timeline.events, state);
    if (members === undefined) return ASK_MODELS;
    const told = await this.withoutHiddenPast(view.userId, range, {
      timeline,
      state: [...state, ...members],
    });
    if (told === undefined) return ASK_MODELS;
    return {
      ...base,
      ...told,
      ...(summary === undefined ? {} : { summary: summaryFor(summary, view.userId) }),
      ...(unread === undefined ? {} : { unread }),
    };
  }

  /** A limited timeline with what is told of its events' children. Undefined when the models are too far behind. */
  private async withChildren(
    request: PreparedRequest,
    { roomId: room_id, room, events, cut }: RoomRange,
    timeline: Timeline,
  ): Promise<Timeline | undefined> {
    const last = events.at(-1);
    if (!timeline.limited || last === undefined || timeline.events.length === 0) return timeline;
    const ask = { room_id, events: timeline.events, upTo: cut.upTo };
    const all = await this.lookups.relations(room, request, ask, last.offset);
    return all && { ...timeline, events: timeline.events.map((event) => withRelations(event, all)) };
  }

  /** What is told, without replaced contents that the user may not see. Undefined when the models cannot tell. */
  private async withoutHiddenPast(
    userId: UserId,
    { roomId, room, base }: RoomRange,
    told: Pick<JoinedRoom, 'timeline' | 'state'>,
  ): Promise<Pick<JoinedRoom, 'timeline' | 'state'> | undefined> {
    const { timeline, state } = told;
    const mayHide = mayHidePast(base.memberships);
    if (!timeline.events.some(mayHide) && !state.some(mayHide)) return told;
    const settings = await this.lookups.settings(room, roomId);
    if (settings === undefined) return undefined;
    const seen = historyView(userId, settings, base.memberships);
    const show = (event: SyncEvent) => seen.withoutHiddenPast(event);
    return { timeline: { ...timeline, events: timeline.events.map(show) }, state: state.map(show) };
  }

  private ephemeral(
    { request, since }: Round,
    roomId: RoomId,
    room: RoomTail,
  ): Pick<JoinedRoom, 'typing' | 'receipts'> {
    const { ephemeral } = request.filter;
    const takes = (type: string) => ephemeral.takes({ type, room_id: roomId });
    const typed = room.typingChanged(since) && takes('m.typing');
    const lately = room.receipts.filter((one) => one.offset >= (since.user_values[one.partition] ?? 0));
    const receipts = takes('m.receipt') ? shownReceipts(lately, request) : [];
    return typed ? { receipts, typing: room.typing(this.now(), request.ignored) } : { receipts };
  }

  /** Whether member events may have to go with the timeline. */
  private mustExplain({ request }: Round, { roomId, events, cut }: RoomRange): boolean {
    if (events.some(({ membership }) => membership !== undefined)) return true;
    const { members, filter } = request;
    if (members === undefined) return false;
    return cut.events.some(({ event }) => filter.redundantMembers || !members.knows(roomId, event.sender));
  }

  /** Member events that lazy loading adds. Undefined when the models cannot tell them. */
  private async explain(
    { members, filter, stateAfter }: PreparedRequest,
    { roomId, room, cut }: RoomRange,
    timeline: readonly SyncEvent[],
    state: readonly SyncEvent[],
  ): Promise<readonly SyncEvent[] | undefined> {
    if (members === undefined) return [];
    const senders = stateAfter ? new Set(timeline.map(({ sender }) => sender)) : sendersToExplain(timeline);
    for (const { type, state_key } of state) {
      // State keys of member events are user IDs.
      if (type === 'm.room.member' && state_key !== null) senders.delete(asUserId(state_key));
    }
    const wanted = [...senders].filter((sender) => filter.redundantMembers || !members.knows(roomId, sender));
    const at = stateAfter ? cut.upTo : cut.start - 1;
    const found = await this.lookups.members(room, roomId, wanted, at);
    const added = found?.filter((event) => filter.state.takes(event));
    for (const sent of [state, timeline, added ?? []]) members.sent(roomId, sent);
    return added;
  }
}

/** Timeline and state of a room, as they are when everything about them is known. */
function shown(
  { filter, stateAfter }: PreparedRequest,
  { events, cut }: RoomRange,
): Pick<JoinedRoom, 'timeline' | 'state'> {
  const { limited, start, upTo } = cut;
  const prevPlace = events.length === 0 ? {} : { prevPlace: start };
  const timeline = { events: cut.events.map(({ event }) => event), limited, ...prevPlace };
  const changed = events.flatMap(({ event }) => (event.state_key === null ? [] : [event]));
  if (changed.length === 0) return { timeline, state: [] };
  const state = stateAfter
    ? stateWithin(changed, -1, upTo)
    : [...stateWithin(changed, -1, start - 1), ...hiddenState(changed, filter.timeline, cut)];
  return { timeline, state: state.filter((event) => filter.state.takes(event)) };
}

function ownReceiptsSince(room: RoomTail, since: SyncPosition, userId: string): boolean {
  return room.receipts.some(
    (one) => one.user_id === userId && one.offset >= (since.user_values[one.partition] ?? 0),
  );
}
