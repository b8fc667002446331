import type { UserId } from '../../src/matrix/identifiers.ts';
import { HistoryView } from '../room_state/visibility.ts';
import type { Membership, SyncEvent } from './sync-event.ts';
import type { VisibilityFrom } from './sync-reads.ts';

/** What a user may see of a room: the one rule, from what a sync has at hand. */
export function historyView(
  userId: UserId,
  settings: readonly VisibilityFrom[],
  history: readonly Membership[],
): HistoryView {
  return new HistoryView(
    userId,
    settings.map(({ place, visibility }) => ({ place, value: visibility })),
    history.map(({ place, membership }) => ({ place, value: membership })),
  );
}

/**
 * Whether what an event replaced has to be put to that rule: what was sent while its reader was in the room is seen
 * whatever the setting, so most syncs need not know that.
 */
export function mayHidePast(history: readonly Membership[]): (event: SyncEvent) => boolean {
  const last = history.at(-1);
  const since = last?.membership === 'join' ? last.place : Number.MAX_SAFE_INTEGER;
  return ({ prev_content, replaces_place }) => prev_content !== undefined && (replaces_place ?? 0) <= since;
}
