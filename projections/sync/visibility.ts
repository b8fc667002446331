import type { Membership, SyncEvent } from './sync-event.ts';
import type { VisibilityFrom } from './sync-reads.ts';

/**
 * Which places of a room a user may see (spec: client-server API, "Room History Visibility", "Server behaviour").
 * @param history the user's membership changes, oldest first, up to the place in question.
 * @param settings of the history visibility, oldest first.
 */
export function visiblePlaces(
  history: readonly Membership[],
  settings: readonly VisibilityFrom[],
): (place: number) => boolean {
  const lastJoin = history.findLast(({ membership }) => membership === 'join')?.place ?? -1;
  const membershipAt = (place: number) => history.findLast((one) => one.place <= place)?.membership;
  const settingAt = (place: number) => settings.findLast((one) => one.place <= place)?.visibility ?? 'shared';
  const allowed = (place: number, membership: string | undefined, setting: string): boolean => {
    if (setting === 'world_readable' || membership === 'join') return true;
    if (setting === 'invited') return membership === 'invite';
    // Whatever is not understood means `shared`.
    return setting !== 'joined' && lastJoin > place;
  };
  // Own member events, and changes of the visibility itself, are judged by the state before and after.
  return (place) =>
    [membershipAt(place), membershipAt(place - 1)].some((membership) =>
      [settingAt(place), settingAt(place - 1)].some((setting) => allowed(place, membership, setting)),
    );
}

/**
 * An event without the content that it replaced, where its reader may not know that: it is for those who were in the
 * room then, for the user whose membership it was, and for who may see the event that had it.
 */
export function withoutHiddenPast(
  event: SyncEvent,
  history: readonly Membership[],
  visible: (place: number) => boolean,
): SyncEvent {
  const { prev_content, replaces_place, place } = event;
  if (prev_content === undefined || replaces_place === undefined || visible(replaces_place)) return event;
  if (history.findLast((one) => one.place < place)?.membership === 'join') return event;
  if (history.some((one) => one.place === place)) return event;
  const { prev_content: _, ...rest } = event;
  return rest;
}
