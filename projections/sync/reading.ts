import type { UserId } from '../../src/matrix/identifiers.ts';
import type { RoomTail } from './room-tail.ts';
import { highlights } from './tail-event.ts';

/** What `unread_notifications` says. */
export interface Unread {
  readonly notification_count: number;
  readonly highlight_count: number;
}

/** Counts as a read model gives them, with what they were counted from. */
export interface CountedUnread extends Unread {
  /** The place up to which the user has read; everything behind it was counted. */
  readonly read: number;
}

/**
 * How far one user has read in one room and what is unread, carried on from the tail: each event is looked at
 * once, when somebody asks. Counting as in `src/matrix/notifying.ts`.
 */
export class Reading {
  private readPlace: number;
  private counted: number;
  private notifications: number;
  private highlightCount: number;
  private readonly recounts: number;

  /** @param counted the place up to which `start` counts. */
  constructor(start: CountedUnread, counted: number, recounts: number) {
    this.readPlace = start.read;
    this.counted = Math.max(counted, start.read);
    const ahead = start.read >= counted;
    this.notifications = ahead ? 0 : start.notification_count;
    this.highlightCount = ahead ? 0 : start.highlight_count;
    this.recounts = recounts;
  }

  /** The user has read up to a place. */
  raise(place: number): void {
    if (place <= this.readPlace) return;
    this.readPlace = place;
    // What was counted behind the new place is counted again, from the tail.
    this.counted = place;
    this.notifications = 0;
    this.highlightCount = 0;
  }

  /**
   * The counts up to the end of the window; undefined when the window does not reach back far enough, or it is not
   * known yet whether a mention of the whole room counts.
   */
  count(room: RoomTail, userId: UserId): Unread | undefined {
    const first = room.events[0];
    if (first === undefined || first.event.place > this.counted + 1) return undefined;
    if (this.recounts !== room.recounts) return undefined;
    for (let index = room.indexAt(this.counted + 1); index < room.events.length; index += 1) {
      const event = room.events[index];
      if (event === undefined) break;
      const { place, sender } = event.event;
      if (sender === userId) this.raise(place);
      else {
        if (event.mentionsRoom && event.roomMentionCounts === undefined) return undefined;
        const highlight = highlights(event, userId);
        if (highlight) this.highlightCount += 1;
        if (highlight || event.notifies) this.notifications += 1;
      }
      this.counted = place;
    }
    return { notification_count: this.notifications, highlight_count: this.highlightCount };
  }
}
