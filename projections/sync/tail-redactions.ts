import { redactTailEvent, type TailEvent } from './tail-event.ts';

/** What redactions of all rooms are counted by. */
export interface RedactionClock {
  /** How many there were. */
  count: number;
  /** The count at the last redaction of which some room does not know any more what it took back. */
  forgotten: number;
}

/** What a redaction took back, and the count of the clock at it. */
export interface TakenBack {
  readonly count: number;
  /** The event as it is now. */
  readonly target: TailEvent;
  /** The event as it was counted. In memory only, until the event leaves the window. */
  readonly was: TailEvent;
}

/** The redactions of one room's window, for those who have counted what they take back. */
export class TailRedactions {
  /** The offset of the last redaction; -1 when there was none. */
  offset = -1;
  private readonly clock: RedactionClock;
  private forgotten: number;
  private list: TakenBack[] = [];

  constructor(clock: RedactionClock) {
    this.clock = clock;
    // There may have been others before the room was last forgotten.
    this.forgotten = clock.forgotten;
  }

  /** Redacts `target`, undefined when that is not in the window. */
  add(target: TailEvent | undefined, { event: redaction, offset }: TailEvent): void {
    const count = ++this.clock.count;
    this.offset = offset;
    if (target === undefined) {
      this.forget(count);
      return;
    }
    this.list.push({ count, target, was: { ...target } });
    redactTailEvent(target, redaction);
  }

  /** What was taken back since a count of the clock, in order; undefined when that is not known of all. */
  since(count: number): readonly TakenBack[] | undefined {
    if (count < this.forgotten) return undefined;
    if ((this.list.at(-1)?.count ?? 0) <= count) return NONE;
    return this.list.filter((one) => one.count > count);
  }

  /** Events at places before this one leave the window. */
  drop(before: number): void {
    if (this.list.length === 0) return;
    const left = this.list.filter(({ target }) => target.event.place >= before);
    if (left.length === this.list.length) return;
    const gone = this.list.filter(({ target }) => target.event.place < before);
    this.list = left;
    this.forget(gone.at(-1)?.count ?? 0);
  }

  private forget(count: number): void {
    this.forgotten = Math.max(this.forgotten, count);
    this.clock.forgotten = Math.max(this.clock.forgotten, count);
  }
}

const NONE: readonly TakenBack[] = [];
