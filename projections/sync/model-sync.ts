import { STRIPPED_STATE_TYPES } from '../../src/matrix/client-event.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { LiveTail } from './live-tail.ts';
import {
  haveRulesChanged,
  type ModelRound,
  type RoomRange,
  rangesOf,
  roomData,
  type TimelinedRoom,
  toldTimelines,
  typingOf,
  withoutHiddenPast,
  withTimelines,
} from './model-round.ts';
import { endedRoom, type Found, globalData, joinedRoom, leftRoom } from './model-sections.ts';
import { statesOf } from './model-states.ts';
import { covers, least } from './position.ts';
import { type CountedUnread, Reading } from './reading.ts';
import { type Plans, planRooms, type RoomPlan } from './room-plans.ts';
import { type Collected, isEmptyRoom } from './sync-answer.ts';
import type { AccountDatum, Membership, Receipt, SyncEvent } from './sync-event.ts';
import type { ModelTopic, Summary, SyncReads } from './sync-reads.ts';
import type { PreparedRequest } from './sync-request.ts';
import type { SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';
import type { FoundView } from './user-views.ts';

/** How long an answer waits for the models to be where the log was when it was asked for, milliseconds. */
const WAIT_MS = 2_000;

const NOTHING = { account_data: [], join: [], invite: [], knock: [], leave: [] } as const;

/**
 * Answers any sync from the read models, as of the least position of all that are asked: first syncs, tokens that
 * are older than the tail, and rooms that were joined or left.
 */
export class ModelSync {
  private readonly tail: LiveTail;
  private readonly reads: SyncReads;
  private readonly now: () => number;

  constructor(tail: LiveTail, reads: SyncReads, now: () => number) {
    this.tail = tail;
    this.reads = reads;
    this.now = now;
  }

  /** What has happened since a position, or all there is. */
  async answer(
    request: PreparedRequest,
    found: FoundView,
    since: SyncPosition | undefined,
  ): Promise<Collected> {
    const position = await this.position(request, found, since);
    if (position === undefined) return { ...NOTHING, position: since ?? this.tail.position() };
    const { tail, reads } = this;
    const { view } = found;
    const rules = { ...(await reads.pushRules(request.user_id)), ignored: request.ignored };
    const round = { request, tail, reads, since, position, rules, now: this.now() };
    const plans = planRooms(view, since, position, request);
    const from = since?.user_values[request.ownPartition] ?? 0;
    const [data, rooms] = await this.activeRooms(round, plans, from);
    const ranges = await rangesOf(round, rooms.active);
    const [timelined, about] = await Promise.all([
      withTimelines(round, ranges),
      this.lookAt(round, plans, ranges),
    ]);
    const [whole, bare] = await Promise.all([
      statesOf(round, timelined, about.summaries),
      toldTimelines(round, timelined),
    ]);
    const [told, states] = await withoutHiddenPast(round, bare, whole);
    const looked = { ...about, data, receipts: rooms.receipts, states };
    const joined = told.filter(({ section }) => section === 'join');
    if (rules.offset === view.rules.offset && rules.ignored === view.ignored)
      this.remember(round, view, joined, looked);
    const stripped = await this.stripped(round, [...plans.invite, ...plans.knock]);
    const strip = (membership: Membership) => ({
      room_id: membership.room_id,
      events: stripped.get(membership.room_id) ?? [],
    });
    return {
      position,
      account_data: globalData(round, data),
      join: joined
        .map((room) => joinedRoom(round, room, looked))
        .filter((room, index) => joined[index]?.known !== true || !isEmptyRoom(room)),
      invite: plans.invite.map(strip),
      knock: plans.knock.map(strip),
      leave: [
        ...told.filter(({ section }) => section === 'leave').map((room) => leftRoom(round, room, looked)),
        ...plans.ended.map((membership) => endedRoom(round, membership, looked)),
      ],
    };
  }

  /**
   * The position answered for, once the models are there or have had their time. Undefined when they do not even
   * have what the token's node had: nothing can be said yet.
   */
  private async position(
    { ownPartition, below: asked }: PreparedRequest,
    { view, below }: FoundView,
    since: SyncPosition | undefined,
  ): Promise<SyncPosition | undefined> {
    const { reads } = this;
    const end = this.tail.position();
    const target = asked === undefined ? end : { ...end, rooms: least(asked, end.rooms) };
    // What the view does not know yet cannot say what of the token concerns the user: all of it is needed then.
    const needed = since && (below === undefined ? view.relevant(since, ownPartition) : since);
    const wait = (topic: ModelTopic, end: number, partition: number) =>
      reads.reach(topic, partition, Math.max(end, needed?.[topic][partition] ?? 0), WAIT_MS);
    await Promise.all([
      ...target.rooms.map(
        (offset, partition) =>
          (view.concerns(partition) || (needed?.rooms[partition] ?? 0) > 0) &&
          wait('rooms', offset, partition),
      ),
      ...target.user_values.map((offset, partition) =>
        wait('user_values', partition === ownPartition ? offset : 0, partition),
      ),
    ]);
    const reached: SyncPosition = {
      rooms: least(below ?? reads.reached('rooms'), target.rooms),
      user_values: least(reads.reached('user_values'), target.user_values),
      ephemeral: target.ephemeral,
    };
    return needed === undefined || covers(reached, { ...needed, ephemeral: [] }) ? reached : undefined;
  }

  /** The rooms that have anything new, and what was read to know it. */
  private async activeRooms(
    round: ModelRound,
    { rooms }: Plans,
    from: number,
  ): Promise<
    readonly [
      readonly AccountDatum[],
      { readonly active: readonly RoomPlan[]; readonly receipts: Found['receipts'] },
    ]
  > {
    const { request, reads, since, position } = round;
    const { user_id, ownPartition, fullState } = request;
    const zeros = position.user_values.map(() => 0);
    const changed = this.changedLately(round, rooms);
    const joined = rooms.filter(({ section, known, room_id }) => {
      return section === 'join' && (!known || changed?.has(room_id) !== false);
    });
    const known = joined.filter((room) => room.known);
    const asks = joined.map(({ room_id, known: isKnown }) => ({ room_id, all: !isKnown }));
    const end = position.user_values[ownPartition] ?? 0;
    const [data, receipts, touched] = await Promise.all([
      reads.accountData(user_id, rooms.some((room) => !room.known) ? 0 : from, end),
      asks.length === 0
        ? new Map<RoomId, readonly Receipt[]>()
        : reads.receipts(user_id, asks, since?.user_values ?? zeros, position.user_values),
      known.length === 0
        ? new Set<RoomId>()
        : reads.touched(known.map(({ room_id, after }) => ({ room_id, offset: after ?? 0 }))),
    ]);
    const rulesChanged = haveRulesChanged(round, data);
    const active = rooms.filter(
      (room) =>
        !room.known ||
        room.section === 'leave' ||
        fullState ||
        rulesChanged ||
        touched.has(room.room_id) ||
        receipts.has(room.room_id) ||
        roomData(round, data, room).length > 0 ||
        typingOf(round, room) !== undefined,
    );
    return [data, { active, receipts }];
  }

  /**
   * The rooms that the client has in which anything has happened since, if the tail reaches back so far: the models
   * need not be asked about the others, however many they are. Undefined where it does not.
   */
  private changedLately({ since }: ModelRound, rooms: readonly RoomPlan[]): ReadonlySet<RoomId> | undefined {
    const known = rooms.filter((room) => room.known && room.section === 'join');
    if (since === undefined || known.length === 0) return undefined;
    const { window } = this.tail;
    // Receipts stand with those who read: in any partition.
    const isIn =
      known.every(({ after = 0, history }) => window.holdsFrom('rooms', history[0]?.partition ?? 0, after)) &&
      since.user_values.every((offset, slot) => window.holdsFrom('user_values', slot, offset));
    if (!isIn) return undefined;
    return new Set(this.tail.changedRooms(since, new Set(known.map(({ room_id }) => room_id))));
  }

  /** What does not depend on the timelines. */
  private async lookAt(
    round: ModelRound,
    plans: Plans,
    ranges: readonly RoomRange[],
  ): Promise<Pick<Found, 'summaries' | 'unread' | 'own'>> {
    const { reads, request } = round;
    const joined = ranges.filter(({ section }) => section === 'join');
    const places = joined.map(({ room_id, upTo }) => ({ room_id, place: upTo }));
    const lasts = ranges.flatMap(({ last }) => (last === undefined ? [] : [last]));
    const some = places.length > 0;
    const [summaries, unread, own] = await Promise.all([
      some ? reads.summaries(places) : new Map<RoomId, Summary>(),
      some ? reads.unread(request.user_id, round.rules, places) : new Map<RoomId, CountedUnread>(),
      this.ownEvents(round, [...plans.ended, ...lasts]),
    ]);
    return { summaries, unread, own };
  }

  /** The user's own member events. */
  private async ownEvents(
    { reads, request }: ModelRound,
    memberships: readonly Membership[],
  ): Promise<ReadonlyMap<RoomId, SyncEvent>> {
    const own = new Map<RoomId, SyncEvent>();
    if (memberships.length === 0) return own;
    const asks = memberships.map(({ room_id, place }) => ({
      room_id,
      after: place - 1,
      at: place,
      members: [request.user_id],
    }));
    for (const [roomId, [event]] of await reads.states(asks, []))
      if (event !== undefined) own.set(roomId, event);
    return own;
  }

  /** The state that goes with invitations and knocks. */
  private async stripped(
    { reads, request }: ModelRound,
    memberships: readonly Membership[],
  ): Promise<ReadonlyMap<RoomId, readonly SyncEvent[]>> {
    if (memberships.length === 0) return new Map();
    const asks = memberships.map(({ room_id, place, sender }) => ({
      room_id,
      after: -1,
      at: place,
      members: [...new Set<string>([request.user_id, sender])],
    }));
    return reads.states(asks, STRIPPED_STATE_TYPES);
  }

  /** Counts that were looked up are carried on from the tail. */
  private remember(
    { position }: ModelRound,
    view: UserView,
    rooms: readonly TimelinedRoom[],
    { unread }: Found,
  ): void {
    for (const { room_id, upTo } of rooms) {
      const counted = unread.get(room_id);
      const room = this.tail.room(room_id);
      if (counted === undefined || !view.joined.has(room_id)) continue;
      const { userId, rules } = view;
      // The tail has read a redaction that these counts do not know of.
      if (room !== undefined && room.redactions.offset >= (position.rooms[room.partition] ?? 0)) continue;
      const { redactions } = this.tail;
      const reading = new Reading({ userId, roomId: room_id, rules }, counted, upTo, redactions);
      for (const { furthest_place, thread_id } of room?.receiptsOf(userId) ?? []) {
        reading.raise(furthest_place, thread_id);
      }
      view.readings.set(room_id, reading);
    }
  }
}
