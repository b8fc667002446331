import type { EventId, UserId } from '../../src/matrix/identifiers.ts';
import { type ThreadPlace, threadOf } from '../../src/matrix/relations.ts';
import type { Receipt, SyncEvent } from './sync-event.ts';
import type { Summary, VisibilityFrom } from './sync-reads.ts';
import type { TailEvent } from './tail-event.ts';
import { type RedactionClock, TailRedactions } from './tail-redactions.ts';
import type { SyncPosition, SyncTopic } from './token.ts';

/** The newest part of one room: its events in log order, receipts, and who types. */
export class RoomTail {
  /** The room's slot. */
  readonly partition: number;
  /** The offset in `ephemeral` of the last change of who types; -1 when there was none. */
  private typingOffset = -1;
  /** The offset in `rooms` of the last member event that took somebody who typed out of the room; -1 for none. */
  private typerLeftOffset = -1;
  /** What redactions took back. */
  readonly redactions: TailRedactions;
  /**
   * Member events as they stood before the window, of those whom somebody has asked for. Null: there was none.
   */
  readonly membersBefore = new Map<string, SyncEvent | null>();
  /** Every setting of the history visibility up to the end of the window, once somebody has asked for them. */
  settings: readonly VisibilityFrom[] | undefined;
  /** The offset of the last change of that setting in the window; -1 when there was none. */
  settingOffset = -1;
  /** The summary after the member event at a place, for all who ask about the same change. */
  summary: { readonly place: number; readonly found: Promise<Summary | undefined> } | undefined;
  private list: TailEvent[] = [];
  private receiptList: Receipt[] = [];
  private readonly byId = new Map<EventId, TailEvent>();
  private readonly typers = new Map<string, number>();
  /** Who has left in the window, by the offset: what they were typing may be read later than that they left. */
  private readonly gone = new Map<string, number>();

  constructor(partition: number, clock: RedactionClock) {
    this.partition = partition;
    this.redactions = new TailRedactions(clock);
  }

  /** Events of the window, oldest first. */
  get events(): readonly TailEvent[] {
    return this.list;
  }

  /** Receipts of the window, in the order in which they were read. */
  get receipts(): readonly Receipt[] {
    return this.receiptList;
  }

  /** Whether nothing of the room is in the window any more. */
  get idle(): boolean {
    return this.list.length === 0 && this.receipts.length === 0 && this.typers.size === 0;
  }

  /** Takes the next event; a redaction changes what it redacts. */
  add(event: TailEvent): void {
    this.list.push(event);
    this.byId.set(event.event.event_id, event);
    this.placeInThread(event);
    const { redacts, state_key } = event.event;
    if (redacts !== null) this.redact(redacts, event);
    if (event.membership !== undefined && state_key !== null) this.moved(state_key, event);
    if (event.event.type === 'm.room.history_visibility' && state_key === '') {
      this.settings = undefined;
      this.settingOffset = event.offset;
    }
  }

  /** The index of the first event at or behind an offset. */
  indexFrom(offset: number): number {
    return firstIndex(this.list, (one) => one.offset >= offset);
  }

  /** The index of the first event at or behind a place. */
  indexAt(place: number): number {
    return firstIndex(this.list, (one) => one.event.place >= place);
  }

  /** The place of the last event before an offset; undefined when the window does not tell. */
  placeBefore(offset: number): number | undefined {
    const index = this.indexFrom(offset);
    const next = this.list[index];
    const last = this.list[index - 1];
    if (last !== undefined) return last.event.place;
    // Live places have no gaps.
    return next === undefined ? undefined : next.event.place - 1;
  }

  /** The last state event of the window under a key, at or before a place. */
  lastState(type: string, stateKey: string, place: number): TailEvent | undefined {
    for (let index = this.indexAt(place + 1) - 1; index >= 0; index -= 1) {
      const found = this.list[index];
      if (found?.event.state_key === stateKey && found.event.type === type) return found;
    }
    return undefined;
  }

  /** Takes a receipt. */
  read(receipt: Receipt): void {
    this.receiptList.push(receipt);
  }

  /** The user's receipts of the window. */
  receiptsOf(userId: UserId): readonly Receipt[] {
    return this.receiptList.filter(({ user_id }) => user_id === userId);
  }

  /** Parents that are older than the window, of events whose threads are not known. */
  strangeParents(): readonly EventId[] {
    return this.list.flatMap(({ threadKnown, relation }) =>
      threadKnown || relation === undefined || this.byId.has(relation.event_id) ? [] : [relation.event_id],
    );
  }

  /** Learns where parents are that are older than the window: those that are missing are in no thread. */
  learnThreads(parents: readonly EventId[], places: ReadonlyMap<EventId, ThreadPlace>): void {
    for (const event of this.list) {
      const parent = event.relation?.event_id;
      if (event.threadKnown || parent === undefined) continue;
      if (this.byId.has(parent)) this.placeInThread(event);
      else if (parents.includes(parent)) {
        event.thread = threadOf(event.relation, places.get(parent));
        event.threadKnown = true;
      }
    }
  }

  /** Somebody types until then, or (0) has stopped. @returns whether clients are to be told. */
  typed(userId: string, until: number, offset: number, now: number): boolean {
    // Whose time ran out is told to be typing until a word comes, be it the publisher's own.
    const told = this.typers.delete(userId);
    const types = until > now && !this.gone.has(userId);
    if (types) this.typers.set(userId, until);
    if (told === types) return false;
    this.typingOffset = offset;
    return true;
  }

  /** Who types now, in the order in which they were last heard of, but for those who are ignored. */
  typing(now: number, ignored: ReadonlySet<string>): readonly string[] {
    const typers = [...this.typers].filter(([userId, until]) => until > now && !ignored.has(userId));
    return typers.map(([userId]) => userId);
  }

  /** Whether who types has changed at or behind a position. */
  typingChanged({ ephemeral, rooms }: Pick<SyncPosition, 'ephemeral' | 'rooms'>): boolean {
    const { partition } = this;
    return (
      this.typingOffset >= (ephemeral[partition] ?? 0) || this.typerLeftOffset >= (rooms[partition] ?? 0)
    );
  }

  /** Whether anything of the room stands at or behind a position. */
  changedSince(since: SyncPosition): boolean {
    const { partition } = this;
    if ((this.list.at(-1)?.offset ?? -1) >= (since.rooms[partition] ?? 0)) return true;
    if (this.typingChanged(since)) return true;
    return this.receipts.some((receipt) => receipt.offset >= (since.user_values[receipt.partition] ?? 0));
  }

  /** Drops what stands in a partition before an offset. */
  drop(topic: SyncTopic, partition: number, before: number, now: number): void {
    if (topic === 'rooms') this.dropEvents(before);
    else if (topic === 'ephemeral') this.dropTypers(now);
    else {
      const kept = (one: Receipt) => one.partition !== partition || one.offset >= before;
      this.receiptList = this.receiptList.filter(kept);
    }
  }

  /** An event is in the thread of its parent, if that is in the window and known itself. */
  private placeInThread(event: TailEvent): void {
    if (event.threadKnown || event.relation === undefined) return;
    const parent = this.byId.get(event.relation.event_id);
    if (parent?.threadKnown !== true) return;
    event.thread = threadOf(event.relation, parent.thread);
    event.threadKnown = true;
  }

  /** Only who is in the room types there. */
  private moved(userId: string, { membership, offset }: TailEvent): void {
    if (membership === 'join') {
      this.gone.delete(userId);
      return;
    }
    this.gone.set(userId, offset);
    if (this.typers.delete(userId)) this.typerLeftOffset = offset;
  }

  private dropEvents(before: number): void {
    for (const [userId, offset] of this.gone) if (offset < before) this.gone.delete(userId);
    for (const { event } of this.list.splice(0, this.indexFrom(before))) {
      this.byId.delete(event.event_id);
      if (event.type !== 'm.room.member' || event.state_key === null) continue;
      if (this.membersBefore.has(event.state_key)) this.membersBefore.set(event.state_key, event);
    }
    this.redactions.drop(this.list[0]?.event.place ?? Number.MAX_SAFE_INTEGER);
  }

  private dropTypers(now: number): void {
    for (const [userId, until] of this.typers) if (until <= now) this.typers.delete(userId);
  }

  private redact(eventId: EventId, redaction: TailEvent): void {
    for (const [userId, member] of this.membersBefore) {
      if (member?.event_id === eventId) this.membersBefore.delete(userId);
    }
    this.redactions.add(this.byId.get(eventId), redaction);
  }
}

function firstIndex<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = list[middle];
    if (item !== undefined && !holds(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
