import type { Membership } from './sync-event.ts';
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
