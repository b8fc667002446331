import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { relationsAmong, shownEvents } from './fake-events.fixture.ts';
import type { FakeEvent } from './fake-house.fixture.ts';
import { mostOf } from './position.ts';
import { type ClientKind, filterOf, isWanted } from './random-client.fixture.ts';
import { ROOMS } from './random-history.fixture.ts';
import type { SyncScene } from './scene.fixture.ts';
import type { JoinedRoom, LeftRoom, SyncAnswer } from './sync-answer.ts';
import type { SyncEvent } from './sync-event.ts';
import { decodeToken, type SyncPosition } from './token.ts';
import { membershipOf, plainUnread, Truth } from './truth.fixture.ts';

/** What the client knows of a room that it is in. */
interface KnownRoom {
  readonly state: Map<string, string>;
  readonly receipts: Map<string, string>;
  readonly accountData: Map<string, string>;
  unread: object | undefined;
  counts: readonly [number, number] | undefined;
}

/** A client that believes what it is told, and a judge beside it that knows the log. */
export class ReferenceClient {
  readonly userId: UserId;
  private readonly device: string;
  private readonly kind: ClientKind;
  private token: string | undefined;
  /** The furthest that the models ever were at an answer. */
  private models: SyncPosition | undefined;
  private readonly rooms = new Map<RoomId, KnownRoom>();
  private readonly accountData = new Map<string, string>();
  /** Events of timelines, by ID. */
  private readonly seen = new Set<string>();

  constructor(userId: UserId, device: string, kind: ClientKind) {
    this.userId = userId;
    this.device = device;
    this.kind = kind;
  }

  /**
   * Syncs once; every promise that the answer makes is held against the log.
   * @param how `lost`: the answer does not get to the client, which will ask again from where it was.
   */
  async sync(
    scene: SyncScene,
    how: { readonly fullState?: boolean; readonly lost?: boolean } = {},
  ): Promise<void> {
    const { stateAfter = false } = this.kind;
    const since = this.token;
    const answer = await scene.sync(this.userId, {
      device: this.device,
      stateAfter,
      fullState: how.fullState ?? false,
      filter: filterOf(this.kind),
      ...(since === undefined ? {} : { since }),
    });
    if (how.lost === true) return;
    const from = since === undefined ? undefined : positionOf(since, scene);
    const truth = new Truth(scene.house, positionOf(answer.next_batch, scene));
    this.token = answer.next_batch;
    for (const roomId of ROOMS) this.judgeSection(truth, from, roomId, answer);
    this.take(answer);
    const { rooms, user_values } = scene.reads.models;
    // Rebuilt models may have fallen behind what they told once.
    this.models = mostOf(this.models ?? truth.position, { ...truth.position, rooms, user_values });
    const models = mostOf(truth.position, this.models);
    this.judgeKnowledge(truth, new Truth(scene.house, models));
  }

  /** Whether the room is where it belongs, with the timeline that it should have. */
  private judgeSection(
    truth: Truth,
    from: SyncPosition | undefined,
    roomId: RoomId,
    answer: SyncAnswer,
  ): void {
    const own = truth.ownEvents(roomId, this.userId);
    const last = own.at(-1);
    const sectionsOf = (['join', 'invite', 'knock', 'leave'] as const).filter((section) =>
      answer[section].some(({ room_id }) => room_id === roomId),
    );
    if (last === undefined || !this.knowsOf(roomId)) {
      assert.deepEqual(sectionsOf, [], `${roomId} is none of the user's`);
      return;
    }
    const start = from === undefined ? undefined : (from.rooms[last.partition] ?? 0);
    const membership = membershipOf(last);
    const isNew = start === undefined || last.offset >= start;
    if (membership === 'join') {
      const room = answer.join.find(({ room_id }) => room_id === roomId);
      const steady =
        start !== undefined &&
        membershipOf(own.findLast(({ offset }) => offset < start)) === 'join' &&
        own.every((one) => one.offset < start || membershipOf(one) === 'join');
      if (steady) this.judgeSteady(truth, start, roomId, room);
      else this.judgeNew(truth, roomId, room);
    } else if (membership === 'invite' || membership === 'knock') {
      assert.deepEqual(sectionsOf, isNew ? [membership] : [], `${roomId} ${membership}`);
    } else {
      const wasThere = own.some((one) => membershipOf(one) === 'join');
      const told = start === undefined ? this.kind.includeLeave === true && wasThere : isNew;
      assert.deepEqual(sectionsOf, told ? ['leave'] : [], `${roomId} ${membership}`);
      const room = answer.leave.find(({ room_id }) => room_id === roomId);
      if (room !== undefined) this.judgeLeft(truth, roomId, last, room);
    }
  }

  private judgeSteady(truth: Truth, start: number, roomId: RoomId, room: JoinedRoom | undefined): void {
    const wanted = truth.events(roomId).filter((event) => event.offset >= start && this.wants(truth, event));
    const { limit } = this.kind;
    const expected = wanted.slice(Math.max(0, wanted.length - limit));
    const timeline = room?.timeline ?? { events: [], limited: false };
    assert.deepEqual(ids(timeline.events), ids(expected), `timeline of ${roomId}`);
    assert.equal(timeline.limited, wanted.length > limit, `limited in ${roomId}`);
    if (timeline.limited) this.judgeRelations(truth, roomId, timeline.events);
  }

  /** Whether events of a limited timeline come with what is told of their children. */
  private judgeRelations(truth: Truth, roomId: RoomId, events: readonly SyncEvent[]): void {
    const all = shownEvents(truth.events(roomId));
    for (const event of events) {
      const expected = relationsAmong(all, event, this.userId);
      assert.deepEqual(
        plainRelations(event.relations),
        plainRelations(expected),
        `children of ${event.event_id}`,
      );
    }
  }

  /** A room that was joined: the newest events that may be seen, without a hole, none that the client has. */
  private judgeNew(truth: Truth, roomId: RoomId, room: JoinedRoom | undefined): void {
    assert.ok(room !== undefined, `${roomId} was joined`);
    this.judgeTail(truth, roomId, room, truth.events(roomId));
    this.rooms.delete(roomId);
  }

  private judgeLeft(truth: Truth, roomId: RoomId, last: FakeEvent, room: LeftRoom): void {
    if (this.wants(truth, last))
      assert.equal(room.timeline.events.at(-1)?.event_id, last.event_id, `end of ${roomId}`);
    for (const { event_id } of room.timeline.events) {
      const event = truth.events(roomId).find((one) => one.event_id === event_id);
      assert.ok(event !== undefined && event.place <= last.place);
      assert.ok(
        event === last || truth.mayRead(roomId, this.userId, event),
        `${event_id} is not for this user`,
      );
    }
    this.rooms.delete(roomId);
  }

  private judgeTail(truth: Truth, roomId: RoomId, room: JoinedRoom, events: readonly FakeEvent[]): void {
    const wanted = events.filter((event) => this.wants(truth, event));
    const shown = room.timeline.events;
    assert.deepEqual(ids(shown), ids(wanted.slice(wanted.length - shown.length)), `tail of ${roomId}`);
    for (const { event_id } of shown) {
      const event = wanted.find((one) => one.event_id === event_id);
      assert.ok(
        event !== undefined && truth.mayRead(roomId, this.userId, event),
        `${event_id} may not be read`,
      );
    }
    const next = wanted[wanted.length - shown.length - 1];
    if (shown.length === this.kind.limit || next === undefined || this.leftBefore(truth, next, room)) return;
    const had = this.seen.has(next.event_id) || this.hadBefore(truth, roomId, next);
    assert.ok(had || !truth.mayRead(roomId, this.userId, next), `${next.event_id} is missing`);
  }

  /** Whether the client may have the event from an earlier stay; else it is told that there is a gap. */
  private leftBefore(truth: Truth, { room_id, place }: FakeEvent, { timeline }: JoinedRoom): boolean {
    const own = truth.ownEvents(room_id, this.userId).filter((one) => one.place > place);
    return timeline.limited && own.some((one) => membershipOf(one) !== 'join');
  }

  /** Whether the client was in the room when the event came, and so has had it, or its gap. */
  private hadBefore(truth: Truth, roomId: RoomId, event: FakeEvent): boolean {
    const own = truth.ownEvents(roomId, this.userId).filter(({ place }) => place <= event.place);
    return membershipOf(own.at(-1)) === 'join' || own.at(-1) === event;
  }

  private wants(truth: Truth, event: FakeEvent): boolean {
    const { timeline } = this.kind;
    return timeline === undefined || isWanted(timeline, { ...event, content: truth.contentOf(event) });
  }

  private wantsState(type: string): boolean {
    return isWanted(this.kind.state ?? {}, { type, room_id: '', sender: '', content: {} });
  }

  private knowsOf(roomId: RoomId): boolean {
    return isWanted(this.kind.rooms ?? {}, { type: '', room_id: roomId, sender: '', content: {} });
  }

  private take(answer: SyncAnswer): void {
    for (const { type, content } of answer.account_data) this.accountData.set(type, content);
    for (const room of answer.join) this.takeRoom(room);
    for (const { room_id, events } of [...answer.invite, ...answer.knock]) {
      assert.ok(events.some(({ type }) => type === 'm.room.create'));
      assert.ok(events.some(({ state_key }) => state_key === this.userId));
      this.rooms.delete(room_id);
    }
    for (const { timeline } of answer.leave) {
      for (const event of timeline.events) this.see(event);
    }
  }

  private takeRoom(room: JoinedRoom): void {
    const known: KnownRoom = this.rooms.get(room.room_id) ?? {
      state: new Map(),
      receipts: new Map(),
      accountData: new Map(),
      unread: undefined,
      counts: undefined,
    };
    this.rooms.set(room.room_id, known);
    const told = this.kind.stateAfter === true ? room.state : [...room.state, ...room.timeline.events];
    for (const { type, state_key, event_id } of told) {
      if (state_key !== null) known.state.set(`${type} ${state_key}`, event_id);
    }
    for (const event of room.timeline.events) this.see(event);
    for (const { user_id, receipt_type, thread_id, event_id } of room.receipts) {
      known.receipts.set(`${user_id} ${receipt_type} ${thread_id}`, event_id);
    }
    for (const { type, content } of room.account_data) known.accountData.set(type, content);
    if (room.unread !== undefined) known.unread = plainUnread(room.unread);
    const { summary } = room;
    if (summary !== undefined) known.counts = [summary.joined, summary.invited];
    if (this.kind.lazy !== true || !this.wantsState('m.room.member')) return;
    for (const { sender } of room.timeline.events) {
      assert.ok(known.state.has(`m.room.member ${sender}`), `who ${sender} is in ${room.room_id}`);
    }
  }

  private see({ event_id, type, state_key, content }: SyncEvent): void {
    // How one's stay ended is told when it ends, and once more as history to who comes back.
    const isEnd = type === 'm.room.member' && state_key === this.userId && !content.includes('"join"');
    assert.ok(isEnd || !this.seen.has(event_id), `${event_id} came twice`);
    this.seen.add(event_id);
  }

  /** Whether all that the client knows now is what the log says, also of rooms that the answer was silent about. */
  private judgeKnowledge(truth: Truth, models: Truth): void {
    const data = truth.accountData(null, this.userId);
    // Whoever has changed no rules gets the server's.
    if (!data.has('m.push_rules')) this.accountData.delete('m.push_rules');
    assert.deepEqual(sorted(this.accountData), sorted(data), 'account data');
    for (const roomId of ROOMS) {
      const joined = truth.membership(roomId, this.userId) === 'join';
      const known = this.rooms.get(roomId);
      if (!this.knowsOf(roomId)) continue;
      assert.equal(known !== undefined, joined, `whether the client is in ${roomId}`);
      if (known !== undefined) this.judgeRoom(truth, models, roomId, known);
    }
  }

  /**
   * Where a timeline shows a change of an entry and its filter hides a later one, a client that reads the timeline is
   * left with the first: there is no way to tell it, other than `state_after`.
   */
  private excuseHidden(
    truth: Truth,
    roomId: RoomId,
    told: Map<string, string>,
    state: Map<string, string>,
  ): void {
    const events = truth.events(roomId);
    const isShown = (eventId: string | undefined): boolean => {
      const event = events.find(({ event_id }) => event_id === eventId);
      return event !== undefined && this.wants(truth, event);
    };
    for (const [key, now] of state) {
      const before = told.get(key);
      if (before === now || isShown(now) || !isShown(before)) continue;
      told.delete(key);
      state.delete(key);
    }
  }

  private judgeRoom(truth: Truth, models: Truth, roomId: RoomId, known: KnownRoom): void {
    const { userId } = this;
    const wanted = (state: ReadonlyMap<string, string>) =>
      new Map([...state].filter(([key]) => this.wantsState(key.slice(0, key.indexOf(' ')))));
    const state = wanted(truth.state(roomId));
    if (this.kind.lazy === true && this.wantsState('m.room.member')) {
      // Members that it was not told are no fault, but none may be out of date.
      for (const key of state.keys()) {
        if (key.startsWith('m.room.member ') && !known.state.has(key)) state.delete(key);
      }
      assert.ok(known.state.has(`m.room.member ${userId}`), `oneself in ${roomId}`);
    }
    const told = wanted(known.state);
    if (this.kind.stateAfter !== true) this.excuseHidden(truth, roomId, told, state);
    assert.deepEqual(sorted(told), sorted(state), `state of ${roomId}`);
    assert.deepEqual(sorted(known.receipts), sorted(truth.receipts(roomId, userId)), `receipts of ${roomId}`);
    const data = sorted(truth.accountData(roomId, userId));
    assert.deepEqual(sorted(known.accountData), data, `account data of ${roomId}`);
    // Models that are ahead of the answer may know that more was read than the answer tells.
    const early = truth.unread(roomId, userId, models);
    if (!isDeepStrictEqual(known.unread, early)) {
      assert.deepEqual(known.unread, truth.unread(roomId, userId), `unread of ${roomId}`);
    }
    const counts = [truth.count(roomId, 'join'), truth.count(roomId, 'invite')];
    assert.deepEqual(known.counts, counts, `members of ${roomId}`);
  }
}

function plainRelations(relations: SyncEvent['relations']): object | undefined {
  if (relations === undefined) return undefined;
  const { replacement, thread, references } = relations;
  return {
    replacement: replacement?.event_id,
    thread: thread && [thread.latest.event_id, thread.count, thread.participated],
    references,
  };
}

function positionOf(token: string, { house }: SyncScene): SyncPosition {
  return decodeToken(token, 'fake', house.slots) ?? assert.fail(`no token: ${token}`);
}

function ids(events: readonly { readonly event_id: string }[]): readonly string[] {
  return events.map(({ event_id }) => event_id);
}

function sorted(map: ReadonlyMap<string, string>): object {
  return Object.fromEntries([...map].sort(([one], [other]) => (one < other ? -1 : 1)));
}
