import type { UserId } from '../../src/matrix/identifiers.ts';
import type { Receipt, SyncEvent } from './sync-event.ts';
import type { PreparedRequest } from './sync-request.ts';

/** What the state at `at` has of these events: the last of each key behind `after`. */
export function stateWithin(events: Iterable<SyncEvent>, after: number, at: number): readonly SyncEvent[] {
  const last = new Map<string, SyncEvent>();
  for (const event of events) {
    if (event.state_key === null || event.place <= after || event.place > at) continue;
    last.set(`${event.type}\0${event.state_key}`, event);
  }
  return [...last.values()];
}

/**
 * The senders of a timeline whose member events have to go with it when members are loaded lazily: those that the
 * timeline itself does not bring before their first event.
 */
export function sendersToExplain(timeline: readonly SyncEvent[]): Set<UserId> {
  const explained = new Set<string>();
  const wanted = new Set<UserId>();
  for (const { type, state_key, sender } of timeline) {
    if (type === 'm.room.member' && state_key !== null) explained.add(state_key);
    if (!explained.has(sender)) wanted.add(sender);
  }
  return wanted;
}

/**
 * The last of each user's receipts of a type and thread; of private ones only the user's own, and none of those whom
 * the user ignores.
 */
export function shownReceipts(
  receipts: Iterable<Receipt>,
  { user_id: userId, ignored }: Pick<PreparedRequest, 'user_id' | 'ignored'>,
): readonly Receipt[] {
  const last = new Map<string, Receipt>();
  for (const receipt of receipts) {
    if (receipt.receipt_type !== 'm.read' && receipt.user_id !== userId) continue;
    if (ignored.has(receipt.user_id)) continue;
    last.set(`${receipt.user_id} ${receipt.receipt_type} ${receipt.thread_id ?? ''}`, receipt);
  }
  return [...last.values()];
}
