import type { EventId } from '../../src/matrix/identifiers.ts';
import { redacted, type TailEvent } from './tail-event.ts';
import type { ReceiptChange } from './tail-listener.ts';

/** A receipt of the tail, with where it stands. */
export type TailReceipt = ReceiptChange & { readonly offset: number; readonly partition: number };

/** The newest part of one room: its events in log order, receipts, and who types. */
export class RoomTail {
  private list: TailEvent[] = [];
  private readonly byId = new Map<EventId, TailEvent>();
  private receiptList: TailReceipt[] = [];
  private readonly typers = new Map<string, number>();
  /** The offset of the last change of who types; 0 when none was seen. */
  typingOffset = 0;

  /** Events of the window, oldest first. */
  get events(): readonly TailEvent[] {
    return this.list;
  }

  /** Whether nothing of the room is in the window any more. */
  get idle(): boolean {
    return this.list.length === 0 && this.receiptList.length === 0 && this.typers.size === 0;
  }

  /** The last event's offset, or -1. */
  get lastOffset(): number {
    return this.list.at(-1)?.offset ?? -1;
  }

  /** Takes the next event; a redaction changes what it redacts. */
  add(event: TailEvent): void {
    this.list.push(event);
    this.byId.set(event.event.event_id, event);
    const { redacts } = event.event;
    const target = redacts === null ? undefined : this.byId.get(redacts);
    if (target !== undefined) target.event = redacted(target, event.event);
  }

  /** The event if it is in the window. */
  get(eventId: EventId): TailEvent | undefined {
    return this.byId.get(eventId);
  }

  /** The index of the first event at or behind an offset. */
  indexFrom(offset: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle]?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes a receipt. */
  read(receipt: TailReceipt): void {
    this.receiptList.push(receipt);
  }

  /** The last receipt of each user, type and thread that stands in the range of its partition. */
  receipts(from: readonly number[], to: readonly number[]): readonly TailReceipt[] {
    const last = new Map<string, TailReceipt>();
    for (const receipt of this.receiptList) {
      const { partition, offset } = receipt;
      if (offset < (from[partition] ?? 0) || offset >= (to[partition] ?? 0)) continue;
      last.set(`${receipt.user_id} ${receipt.receipt_type} ${receipt.thread_id ?? ''}`, receipt);
    }
    return [...last.values()];
  }

  /** Somebody types until then, or (0) has stopped. */
  typed(userId: string, until: number, offset: number): void {
    this.typers.delete(userId);
    if (until > 0) this.typers.set(userId, until);
    this.typingOffset = offset;
  }

  /** Who types now, in the order in which they began. */
  typing(now: number): readonly string[] {
    return [...this.typers].filter(([, until]) => until > now).map(([userId]) => userId);
  }

  /** Drops the events up to and at an offset. */
  dropEvents(offset: number): void {
    const count = this.indexFrom(offset + 1);
    for (const { event } of this.list.splice(0, count)) this.byId.delete(event.event_id);
  }

  /** Drops the receipts of a partition up to and at an offset. */
  dropReceipts(partition: number, offset: number): void {
    this.receiptList = this.receiptList.filter((one) => one.partition !== partition || one.offset > offset);
  }
}
