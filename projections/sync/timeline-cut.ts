import { stateWithin } from './room-state.ts';
import type { SyncEvent } from './sync-event.ts';
import type { EventSelection } from './sync-filter.ts';

/** The part of a range of events that goes into a timeline. */
export interface TimelineCut<E> {
  /** Oldest first. */
  readonly events: readonly E[];
  /** Whether wanted events of the range were left out for want of room. */
  readonly limited: boolean;
  /** The place of the first event; behind the range when there is none. */
  readonly start: number;
  /** The last place of the range. */
  readonly upTo: number;
}

/** The newest `limit` of the wanted events. @param range oldest first; `upTo` is its last place. */
export function cutTimeline<E>(
  range: readonly E[],
  eventOf: (one: E) => SyncEvent,
  selection: EventSelection,
  limit: number,
): TimelineCut<E> {
  const upTo = lastPlace(range, eventOf);
  const events: E[] = [];
  let limited = false;
  for (let index = range.length - 1; index >= 0 && !limited; index -= 1) {
    const one = range[index];
    if (one === undefined || !selection.takes(eventOf(one))) continue;
    if (events.length === limit) limited = true;
    else events.push(one);
  }
  events.reverse();
  const [first] = events;
  return { events, limited, start: first === undefined ? upTo + 1 : eventOf(first).place, upTo };
}

/**
 * State of the range that the client would never learn of, because the timeline's filter leaves out its events:
 * what of the state at the end of the range began within the timeline and is not in it.
 */
export function hiddenState(
  range: readonly SyncEvent[],
  selection: EventSelection,
  { start, upTo }: Pick<TimelineCut<unknown>, 'start' | 'upTo'>,
): readonly SyncEvent[] {
  if (selection.all) return [];
  return stateWithin(range, start - 1, upTo).filter((event) => !selection.takes(event));
}

function lastPlace<E>(range: readonly E[], eventOf: (one: E) => SyncEvent): number {
  const last = range.at(-1);
  return last === undefined ? 0 : eventOf(last).place;
}
