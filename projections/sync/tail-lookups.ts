import type { EventId, RoomId } from '../../src/matrix/identifiers.ts';
import type { EventRelations } from '../timeline/stored-event.ts';
import type { LiveTail } from './live-tail.ts';
import { Reading, type ThreadsUnread } from './reading.ts';
import type { RoomTail } from './room-tail.ts';
import type { Replaced, SyncEvent } from './sync-event.ts';
import type { RelationsAsk, RelationsReader, Summary, SyncReads, VisibilityFrom } from './sync-reads.ts';
import type { TailEvent } from './tail-event.ts';
import type { UserView } from './user-view.ts';

/** How long an answer from the tail waits for the models to have what it asks them, milliseconds. */
const WAIT_MS = 2_000;

/**
 * What an answer from the tail needs and the tail does not have: asked of the models once, for all who need it,
 * then kept in the tail. Everything before the window is asked as of the window's start, so that what the models
 * have of the window does not matter.
 */
export class TailLookups {
  private readonly tail: LiveTail;
  private readonly reads: SyncReads;
  private readonly filling = new Map<TailEvent, Promise<void>>();
  private readonly learning = new Map<RoomTail, Promise<void>>();
  private readonly judging = new Map<TailEvent, Promise<void>>();
  /** By room and parent. */
  private readonly finding = new Map<string, Promise<void>>();

  constructor(tail: LiveTail, reads: SyncReads) {
    this.tail = tail;
    this.reads = reads;
  }

  /** What is unread up to the end of the window, if that is known. */
  unreadNow(room: RoomTail, view: UserView, roomId: RoomId): ThreadsUnread | undefined {
    return view.readings.get(roomId)?.count(room);
  }

  /** As `unreadNow`, asking for what is missing. Undefined when the models are too far behind. */
  async unread(room: RoomTail, view: UserView, roomId: RoomId): Promise<ThreadsUnread | undefined> {
    await this.judgeRoomMentions(room, roomId);
    await this.findThreads(room, roomId);
    const known = this.unreadNow(room, view, roomId);
    if (known !== undefined) return known;
    const { partition } = room;
    const { userId, rules } = view;
    const { redactions } = this.tail;
    // Models that do not know of a redaction yet still count what it took back; those that have fallen behind the
    // user's join count what was before it.
    const joined = view.history(roomId).at(-1)?.offset ?? -1;
    const needed = Math.max(room.redactions.offset, joined) + 1;
    if (!(await this.reads.reach('rooms', partition, needed, WAIT_MS))) return undefined;
    if (!this.modelsCover(partition)) return undefined;
    const { window } = this.tail;
    const own = window.slot(userId);
    const valuesReached = this.reads.reached('user_values')[own] ?? 0;
    const place = room.placeBefore(this.reads.reached('rooms')[partition] ?? 0);
    if (place === undefined) return undefined;
    const counted = (await this.reads.unread(userId, rules, [{ room_id: roomId, place }])).get(roomId);
    if (counted === undefined || rules !== view.rules) return undefined;
    // Receipts that the models did not have yet are taken from the window, if it has all of them still.
    if (!window.holdsFrom('user_values', own, valuesReached)) return undefined;
    const reading = new Reading({ userId, roomId, rules }, counted, place, redactions);
    for (const { furthest_place, thread_id } of room.receiptsOf(userId)) {
      reading.raise(furthest_place, thread_id);
    }
    view.readings.set(roomId, reading);
    return reading.count(room);
  }

  /** The summary after a member event; undefined when the models do not have that event in time. */
  summary(room: RoomTail, { event, offset }: TailEvent): Promise<Summary | undefined> {
    const { room_id, place } = event;
    if (room.summary?.place === place) return room.summary.found;
    const found = this.reads.reach('rooms', room.partition, offset + 1, WAIT_MS).then(async (reached) => {
      if (!reached) return undefined;
      return (await this.reads.summaries([{ room_id, place }])).get(room_id);
    });
    room.summary = { place, found };
    const forget = () => {
      if (room.summary?.found === found) room.summary = undefined;
    };
    found.then((summary) => summary ?? forget(), forget);
    return found;
  }

  /** Has events say what state they replaced. */
  async fillReplaced(room: RoomTail, events: readonly TailEvent[]): Promise<void> {
    const unfilled = events.filter(({ replacedKnown }) => !replacedKnown);
    await Promise.all(unfilled.map((event) => once(this.filling, event, () => this.fill(room, event))));
  }

  /** The member events of users in the state at a place. Undefined when the models are too far behind. */
  async members(
    room: RoomTail,
    roomId: RoomId,
    users: readonly string[],
    at: number,
  ): Promise<readonly SyncEvent[] | undefined> {
    const found: SyncEvent[] = [];
    const unknown: string[] = [];
    const inWindow = users.flatMap((user) => room.lastState('m.room.member', user, at) ?? []);
    await this.fillReplaced(room, inWindow);
    const recent = new Map(inWindow.map(({ event }) => [event.state_key, event]));
    for (const user of users) {
      const event = recent.get(user) ?? room.membersBefore.get(user);
      if (event === undefined) unknown.push(user);
      else if (event !== null) found.push(event);
    }
    if (unknown.length === 0) return found;
    const first = room.events[0]?.event.place;
    if (first === undefined || !this.modelsCover(room.partition)) return undefined;
    const ask = { room_id: roomId, after: -1, at: first - 1, members: unknown };
    const events = (await this.reads.states([ask], [])).get(roomId) ?? [];
    if (room.events[0]?.event.place === first) {
      for (const user of unknown) {
        room.membersBefore.set(user, events.find(({ state_key }) => state_key === user) ?? null);
      }
    }
    return [...found, ...events];
  }

  /**
   * What is told of the children of events; undefined when the models do not have the last event in time.
   * @param last the offset of the last event that may be among them.
   */
  async relations(
    { partition }: RoomTail,
    reader: RelationsReader,
    ask: RelationsAsk,
    last: number,
  ): Promise<ReadonlyMap<EventId, EventRelations<SyncEvent>> | undefined> {
    const reached = await this.reads.reach('rooms', partition, last + 1, WAIT_MS);
    return reached ? this.reads.relations(reader, [ask]) : undefined;
  }

  /** Every setting of the history visibility; undefined when the models are too far behind. */
  async settings(room: RoomTail, roomId: RoomId): Promise<readonly VisibilityFrom[] | undefined> {
    if (room.settings === undefined) await once(this.learning, room, () => this.learnSettings(room, roomId));
    return room.settings;
  }

  private async learnSettings(room: RoomTail, roomId: RoomId): Promise<void> {
    const { partition, settingOffset } = room;
    if (!(await this.reads.reach('rooms', partition, settingOffset + 1, WAIT_MS))) return;
    if (!this.modelsCover(partition)) return;
    const found = (await this.reads.visibilities([roomId])).get(roomId) ?? [];
    if (room.settingOffset === settingOffset) room.settings = found;
  }

  /** Whether the models have everything before the window. */
  private modelsCover(partition: number): boolean {
    return this.tail.window.holdsFrom('rooms', partition, this.reads.reached('rooms')[partition] ?? 0);
  }

  private async judgeRoomMentions(room: RoomTail, roomId: RoomId): Promise<void> {
    const unjudged = room.events.filter((one) => one.mentionsRoom && one.roomMentionCounts === undefined);
    await Promise.all(
      unjudged.map((event) => once(this.judging, event, () => this.judge(room, roomId, event))),
    );
  }

  private async judge({ partition }: RoomTail, roomId: RoomId, event: TailEvent): Promise<void> {
    if (!(await this.reads.reach('rooms', partition, event.offset, WAIT_MS))) return;
    const { place, sender } = event.event;
    event.roomMentionCounts = await this.reads.mayMentionRoom({ room_id: roomId, place: place - 1 }, sender);
  }

  /** In which threads those events are whose parents are older than the window. */
  private async findThreads(room: RoomTail, roomId: RoomId): Promise<void> {
    const parents = room.strangeParents();
    if (parents.length === 0 || !this.modelsCover(room.partition)) return;
    const nameOf = (parent: EventId) => `${roomId} ${parent}`;
    const unasked = [...new Set(parents)].filter((parent) => !this.finding.has(nameOf(parent)));
    if (unasked.length > 0) {
      const asking = this.reads.threads(roomId, unasked).then((places) => room.learnThreads(unasked, places));
      for (const parent of unasked) void once(this.finding, nameOf(parent), () => asking);
    }
    await Promise.all(parents.map((parent) => this.finding.get(nameOf(parent))));
  }

  private async fill(room: RoomTail, target: TailEvent): Promise<void> {
    const { room_id, type, state_key, place } = target.event;
    if (state_key === null) return;
    const inWindow = room.lastState(type, state_key, place - 1);
    let replaced: Replaced | undefined = inWindow?.event;
    if (inWindow === undefined) {
      if (!this.modelsCover(room.partition)) return;
      [replaced] = await this.reads.replaced([{ room_id, type, state_key, place }]);
    }
    target.replacedKnown = true;
    if (replaced === undefined) return;
    target.event = {
      ...target.event,
      prev_content: replaced.content,
      replaces_state: replaced.event_id,
      replaces_place: replaced.place,
    };
  }
}

/** What is being done for one is waited for by all who need the same. */
function once<K>(under: Map<K, Promise<void>>, key: K, work: () => Promise<void>): Promise<void> {
  const begun = under.get(key);
  if (begun !== undefined) return begun;
  const working = work().finally(() => under.delete(key));
  under.set(key, working);
  return working;
}
