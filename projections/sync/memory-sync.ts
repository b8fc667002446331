import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { LiveTail } from './live-tail.ts';
import { covers } from './position.ts';
import { mostOf } from './position.ts';
import { sendersToExplain, shownReceipts, stateWithin } from './room-state.ts';
import type { RoomTail } from './room-tail.ts';
import { type Collected, isEmptyRoom, type JoinedRoom } from './sync-answer.ts';
import type { AccountDatum, SyncEvent } from './sync-event.ts';
import type { EventSelection } from './sync-filter.ts';
import type { PreparedRequest } from './sync-request.ts';
import type { TailEvent } from './tail-event.ts';
import type { TailLookups } from './tail-lookups.ts';
import type { SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';

/** The tail does not have it: ask the models. */
export const ASK_MODELS = Symbol('ask the models');

/** One request as it is answered from the tail. */
interface Round {
  readonly request: PreparedRequest;
  readonly view: UserView;
  readonly since: SyncPosition;
  readonly position: SyncPosition;
  readonly data: readonly AccountDatum[];
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
    const { window } = this.tail;
    const { ownPartition, filter } = request;
    if (view.changedSince(since.rooms)) return ASK_MODELS;
    if (!covers(since, view.relevant(window.startPosition(), ownPartition))) return ASK_MODELS;
    const position = mostOf(this.tail.position(), since);
    const data =
      this.tail.user(view.userId)?.accountDataSince(since.user_values[ownPartition] ?? 0) ?? [];
    const round = { request, view, since, position, data };
    const join: JoinedRoom[] = [];
    // Each room's events are taken before anything is waited for: all answers are as of one moment.
    const rooms = [...this.changedRooms(round)].map((roomId) => this.room(round, roomId));
    for (const room of rooms) {
      const answer = room instanceof Promise ? await room : room;
      if (answer === ASK_MODELS) return ASK_MODELS;
      if (!isEmptyRoom(answer)) join.push(answer);
    }
    const account_data = data.filter((datum) => datum.room_id === null && filter.accountData.takes(datum));
    return { position, account_data, join, invite: [], knock: [], leave: [] };
  }

  private changedRooms({ view, since, data, request }: Round): Iterable<RoomId> {
    const rooms = new Set(this.tail.changedRooms(since, view.joined));
    for (const { room_id } of data) if (room_id !== null && view.joined.has(room_id)) rooms.add(room_id);
    for (const roomId of rooms) if (!request.filter.room(roomId)) rooms.delete(roomId);
    return rooms;
  }

  private room(
    round: Round,
    roomId: RoomId,
  ): JoinedRoom | Promise<JoinedRoom | typeof ASK_MODELS> {
    const { request, since, data } = round;
    const account_data = data.filter(
      (datum) => datum.room_id === roomId && request.filter.roomAccountData.takes(datum),
    );
    const room = this.tail.room(roomId);
    if (room === undefined) return nothingBut(roomId, account_data);
    const events = room.events.slice(room.indexFrom(since.rooms[room.partition] ?? 0));
    const ephemeral = this.ephemeral(round, roomId, room);
    const cut = cutTimeline(roomId, events, request);
    const base = { room_id: roomId, account_data, ...ephemeral };
    const counts = events.length > 0 || ephemeral.receipts.some((one) => one.user_id === request.user_id);
    const unread = counts ? this.lookups.unreadNow(room, round.view, roomId) : undefined;
    const plain =
      (!counts || unread !== undefined) &&
      events.every((one) => one.replacedKnown && one.membership === undefined) &&
      !this.explains(round, roomId, cut.events);
    if (!plain) return this.roomWithLookups(round, room, events, cut, base, counts);
    return {
      ...base,
      timeline: { ...cut, events: cut.events.map(({ event }) => event) },
      state: this.state(request, room, events, cut),
      ...(unread === undefined ? {} : { unread }),
    };
  }

  /** As `room`, where something beside the tail has to be asked. */
  private async roomWithLookups(
    round: Round,
    room: RoomTail,
    events: readonly TailEvent[],
    cut: CutTimeline,
    base: Pick<JoinedRoom, 'room_id' | 'account_data' | 'receipts'>,
    counts: boolean,
  ): Promise<JoinedRoom | typeof ASK_MODELS> {
    const { request, view } = round;
    const roomId = base.room_id;
    const last = events.findLast((one) => one.membership !== undefined);
    const [summary, unread] = await Promise.all([
      last === undefined ? undefined : this.lookups.summary(room, last),
      counts ? this.lookups.unread(room, view, roomId) : undefined,
      this.lookups.fillReplaced(room, cut.events),
    ]);
    if ((last !== undefined && summary === undefined) || (counts && unread === undefined)) return ASK_MODELS;
    const state = [...this.state(request, room, events, cut)];
    const timeline = { ...cut, events: cut.events.map(({ event }) => event) };
    const { members } = request;
    if (members !== undefined) {
      const at = request.stateAfter ? cut.upTo : cut.start - 1;
      const wanted = this.unexplained(round, roomId, timeline.events, state);
      const found = await this.lookups.members(room, roomId, wanted, at);
      if (found === undefined) return ASK_MODELS;
      state.push(...found.filter((event) => request.filter.state.takes(event)));
      members.sent(roomId, state);
      members.sent(roomId, timeline.events);
    }
    return {
      ...base,
      timeline,
      state,
      ...(summary === undefined ? {} : { summary: withoutUser(summary, view.userId) }),
      ...(unread === undefined ? {} : { unread }),
    };
  }

  private ephemeral(
    { request, since }: Round,
    roomId: RoomId,
    room: RoomTail,
  ): Pick<JoinedRoom, 'typing' | 'receipts'> {
    const { ephemeral } = request.filter;
    const takes = (type: string) => ephemeral.takes({ type, room_id: roomId });
    const typed = room.typingOffset >= (since.ephemeral[room.partition] ?? 0) && takes('m.typing');
    const lately = room.receipts.filter(
      (receipt) => receipt.offset >= (since.user_values[receipt.partition] ?? 0),
    );
    const receipts = takes('m.receipt') ? shownReceipts(lately, request.user_id) : [];
    return typed ? { receipts, typing: room.typing(this.now()) } : { receipts };
  }

  private state(
    { filter, stateAfter }: PreparedRequest,
    room: RoomTail,
    events: readonly TailEvent[],
    cut: CutTimeline,
  ): readonly SyncEvent[] {
    const shown = events.map(({ event }) => event);
    if (shown.every((event) => event.state_key === null)) return [];
    const state = stateAfter
      ? stateWithin(shown, -1, cut.upTo)
      : [...stateWithin(shown, -1, cut.start - 1), ...hiddenState(shown, filter.timeline, cut)];
    return state.filter((event) => filter.state.takes(event));
  }

  private explains({ request }: Round, roomId: RoomId, timeline: readonly TailEvent[]): boolean {
    const { members, filter } = request;
    if (members === undefined) return false;
    return timeline.some(({ event }) => filter.redundantMembers || !members.knows(roomId, event.sender));
  }

  private unexplained(
    { request }: Round,
    roomId: RoomId,
    timeline: readonly SyncEvent[],
    state: readonly SyncEvent[],
  ): readonly string[] {
    const { members, filter, stateAfter } = request;
    const senders = stateAfter ? new Set(timeline.map(({ sender }) => sender)) : sendersToExplain(timeline);
    const there = new Set<string | null>();
    for (const { type, state_key } of state) if (type === 'm.room.member') there.add(state_key);
    return [...senders].filter(
      (sender) => !there.has(sender) && (filter.redundantMembers || !members?.knows(roomId, sender)),
    );
  }
}
