import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { MAIN_THREAD } from '../../src/matrix/relations.ts';
import type { RoomTail } from './room-tail.ts';
import { RuledCounting } from './ruled-counting.ts';
import type { UserRules } from './user-rules.ts';

/** What `unread_notifications` says. */
export interface Unread {
  readonly notification_count: number;
  readonly highlight_count: number;
}

/** What is unread in a room, by thread: the root's ID, or `main`. Threads in which nothing is are missing. */
export type ThreadsUnread = ReadonlyMap<string, Unread>;

/** Counts of one thread as a read model gives them. */
export interface CountedThread extends Unread {
  /** The place up to which the user has read the thread. */
  readonly read: number;
}

/** Counts as a read model gives them, with what they were counted from. */
export interface CountedUnread {
  /** The place up to which the user has read all threads; everything behind it was counted. */
  readonly read: number;
  /** Those in which anything is unread. */
  readonly threads: ReadonlyMap<string, CountedThread>;
  /** How many were in the room at the place up to which was counted. Only where the user's rules want to know. */
  readonly memberCount?: number;
}

/** Whose reading it is, and where. */
export interface Reader {
  readonly userId: UserId;
  readonly roomId: RoomId;
  readonly rules: UserRules;
}

/** One thread: read up to `read`, counted up to `counted`. */
interface ThreadReading {
  read: number;
  counted: number;
  notifications: number;
  highlights: number;
}

/**
 * How far one user has read in one room and what is unread, thread by thread, carried on from the tail: each event
 * is looked at once, when somebody asks.
 */
export class Reading {
  /** All threads are read up to here, some further. */
  private readPlace: number;
  /** Threads that are not listed were counted up to here, and nothing in them is unread. */
  private counted: number;
  private readonly threads = new Map<string, ThreadReading>();
  /** Up to here a read model has counted. */
  private readonly start: number;
  /** The redactions that are taken account of, by the tail's count. */
  private redactions: number;
  private readonly reader: Reader;
  private readonly counting: RuledCounting;

  /**
   * @param counted the place up to which `start` counts.
   * @param redactions the tail's count of redactions when `start` was asked for: it knows of all of them.
   */
  constructor(reader: Reader, start: CountedUnread, counted: number, redactions: number) {
    this.reader = reader;
    this.counting = new RuledCounting(reader, start.memberCount);
    this.readPlace = start.read;
    this.counted = Math.max(counted, start.read);
    this.start = counted;
    this.redactions = redactions;
    for (const [thread, { read, notification_count, highlight_count }] of start.threads) {
      const one = { read, counted: Math.max(counted, read) };
      this.threads.set(thread, { ...one, notifications: notification_count, highlights: highlight_count });
    }
  }

  /**
   * The user has read up to a place.
   * @param thread only that thread; null: all of them.
   */
  raise(place: number, thread: string | null = null): void {
    if (thread !== null) {
      raiseThread(this.thread(thread), place);
      return;
    }
    if (place <= this.readPlace) return;
    this.readPlace = place;
    this.counted = Math.max(this.counted, place);
    for (const one of this.threads.values()) raiseThread(one, place);
  }

  /**
   * The counts up to the end of the window; undefined when the window does not reach back far enough, or it is not
   * known yet what an event counts, or in which thread it is.
   */
  count(room: RoomTail): ThreadsUnread | undefined {
    const { reader, counting } = this;
    const first = room.events[0];
    const from = Math.min(this.counted, ...[...this.threads.values()].map(({ counted }) => counted));
    if (first === undefined || first.event.place > from + 1) return undefined;
    if (!this.takeBack(room)) return undefined;
    for (let index = room.indexAt(from + 1); index < room.events.length; index += 1) {
      const event = room.events[index];
      if (event === undefined) break;
      const { place, sender } = event.event;
      if (counting.endsWith(event)) return undefined;
      const isOwn = sender === reader.userId;
      // Most of what could be in any thread, reactions above all, changes no count.
      if (!isOwn && !counting.matters(event)) continue;
      if (!event.threadKnown) return undefined;
      const thread = this.thread(event.thread?.thread ?? MAIN_THREAD);
      if (place <= thread.counted) continue;
      if (isOwn) raiseThread(thread, place);
      else {
        const counted = counting.of(event);
        if (counted === undefined) return undefined;
        if (counted.highlight) thread.highlights += 1;
        if (counted.notify) thread.notifications += 1;
        thread.counted = place;
      }
    }
    return this.countedTo(room.events.at(-1)?.event.place ?? from);
  }

  /**
   * Counts no more what was redacted since. @returns false when it is not known what that is, or whether the read
   * model has counted it.
   */
  private takeBack(room: RoomTail): boolean {
    const { reader, counting } = this;
    const since = room.redactions.since(this.redactions);
    if (since === undefined) return false;
    for (const { count, target, was } of since) {
      const { place, sender } = target.event;
      if (place > this.readPlace && sender !== reader.userId && counting.matters(was)) {
        if (!target.threadKnown) return false;
        const thread = this.threads.get(target.thread?.thread ?? MAIN_THREAD);
        // In threads that are not listed nothing is unread.
        if (thread !== undefined && place > thread.read && place <= thread.counted) {
          const counted = place > this.start ? counting.of(was) : undefined;
          if (counted === undefined) return false;
          thread.notifications -= Number(counted.notify);
          thread.highlights -= Number(counted.highlight);
        }
      }
      this.redactions = count;
    }
    return true;
  }

  /** Everything was counted up to a place: threads in which nothing is unread need no place of their own. */
  private countedTo(place: number): ThreadsUnread {
    this.counted = Math.max(this.counted, place);
    const counts = new Map<string, Unread>();
    for (const [name, thread] of this.threads) {
      thread.counted = this.counted;
      const { notifications: notification_count, highlights: highlight_count } = thread;
      if (notification_count > 0) counts.set(name, { notification_count, highlight_count });
      else this.threads.delete(name);
    }
    return counts;
  }

  private thread(name: string): ThreadReading {
    const present = this.threads.get(name);
    if (present !== undefined) return present;
    // Nothing is unread in it as far as it was counted: as good as read.
    const made = { read: this.counted, counted: this.counted, notifications: 0, highlights: 0 };
    this.threads.set(name, made);
    return made;
  }
}

/** A thread was read up to a place: what was counted behind that is counted again, from the tail. */
function raiseThread(thread: ThreadReading, place: number): void {
  if (place <= thread.read) return;
  const again = thread.notifications > 0 ? place : Math.max(place, thread.counted);
  thread.read = place;
  thread.counted = again;
  thread.notifications = 0;
  thread.highlights = 0;
}

/** What is unread in all threads together. */
export function sumOf(threads: ThreadsUnread): Unread {
  let notification_count = 0;
  let highlight_count = 0;
  for (const one of threads.values()) {
    notification_count += one.notification_count;
    highlight_count += one.highlight_count;
  }
  return { notification_count, highlight_count };
}
