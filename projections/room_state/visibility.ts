import type { UserId } from '../../src/matrix/identifiers.ts';

/** An event as far as its visibility depends on it. */
export interface PlacedEvent {
  readonly place: number;
  readonly type: string;
  readonly state_key: string | null;
}

/** Places of a room, from the first to the last of them. */
export interface PlaceRange {
  readonly from: number;
  readonly to: number;
}

/** An entry of a history: from `place` on, `value` holds (null: nothing does). */
export interface HistoryStep {
  readonly place: number;
  readonly value: string | null;
}

/** Places between which all lies that a user may see. */
export interface VisibleBounds {
  /** The first place of which anything may be seen. */
  readonly first: number;
  /** The last one. Below `first` when there is nothing to see. */
  readonly last: number;
}

/** A state event as far as it depends on who reads it. */
interface Replacing extends PlacedEvent {
  readonly prev_content?: string;
  readonly replaces_place?: number;
}

/**
 * What one user may see of one room (spec: client-server API, "Room History Visibility"), from the histories of
 * the room's setting and of the user's membership: two short lists, loaded once for any number of events.
 *
 * "At the event" is the room's current state as of the event's place, before it. Where the room had forked there,
 * the state on the event's own branch may have been another.
 */
export class HistoryView {
  readonly #user: UserId;
  readonly #settings: readonly HistoryStep[];
  readonly #memberships: readonly HistoryStep[];

  /** @param settings in the order of places, as `memberships` too. */
  constructor(user: UserId, settings: readonly HistoryStep[], memberships: readonly HistoryStep[]) {
    this.#user = user;
    this.#settings = settings;
    this.#memberships = memberships;
  }

  /** What the user could see when the room had come to a place, and nothing of what came later. */
  until(place: number): HistoryView {
    const upTo = (steps: readonly HistoryStep[]) => steps.filter((step) => step.place <= place);
    return new HistoryView(this.#user, upTo(this.#settings), upTo(this.#memberships));
  }

  /** Whether the user may see the event. */
  canSee(event: PlacedEvent): boolean {
    const { place, type, state_key } = event;
    const setting = valueBefore(this.#settings, place);
    const membership = valueBefore(this.#memberships, place);
    if (this.#allows(place, setting, membership)) return true;
    // Of what the event itself changes, the state after it counts as well.
    if (type === 'm.room.history_visibility' && state_key === '') {
      return this.#allows(place, valueBefore(this.#settings, place + 1), membership);
    }
    if (type === 'm.room.member' && state_key === this.#user) {
      return this.#allows(place, setting, valueBefore(this.#memberships, place + 1));
    }
    return false;
  }

  /**
   * The places whose events the user may see, as ranges in order. What an event changes itself does not count: for
   * events that are neither the user's own memberships nor changes of the setting.
   */
  ranges(): readonly PlaceRange[] {
    const ranges: { from: number; to: number }[] = [];
    const add = (from: number, to: number): void => {
      const allows = this.#allows(to, valueBefore(this.#settings, to), valueBefore(this.#memberships, to));
      if (from > to || !allows) return;
      const last = ranges.at(-1);
      if (last?.to === from - 1) last.to = to;
      else ranges.push({ from, to });
    };
    let from = Number.MIN_SAFE_INTEGER;
    const changes = new Set([...this.#settings, ...this.#memberships].map(({ place }) => place));
    // Between two changes all is alike; at a change itself it is not quite: who joins sees what lies before.
    for (const change of [...changes].sort((one, other) => one - other)) {
      add(from, change - 1);
      add(change, change);
      from = change + 1;
    }
    add(from, Number.MAX_SAFE_INTEGER);
    return ranges;
  }

  /** The user's membership as of the event: after it, if it is the user's own (`unsigned.membership`). */
  membershipAt({ place, type, state_key }: PlacedEvent): string {
    const own = type === 'm.room.member' && state_key === this.#user;
    return valueBefore(this.#memberships, own ? place + 1 : place) ?? 'leave';
  }

  /**
   * The content of the state event that `event` replaced is shown to who may see that event (spec: `prev_content`), and
   * to the user whose membership it was.
   */
  canSeeReplaced(event: PlacedEvent, replacedPlace: number): boolean {
    const { type, state_key } = event;
    if (type === 'm.room.member' && state_key === this.#user) return true;
    return this.canSee({ place: replacedPlace, type, state_key });
  }

  /** The event without the content that it replaced, where its reader may not know that. */
  withoutHiddenPast<E extends Replacing>(event: E): E {
    const { prev_content, replaces_place } = event;
    if (prev_content === undefined || replaces_place === undefined) return event;
    if (this.canSeeReplaced(event, replaces_place)) return event;
    const { prev_content: _, ...rest } = event;
    // What is left out may be left out: the property is optional.
    return rest as E;
  }

  /**
   * Bounds of what may be seen: paging need not look beyond them. The change with which a range begins may be seen,
   * too, from behind.
   */
  get bounds(): VisibleBounds {
    const ranges = this.ranges();
    const [first, last] = [ranges[0], ranges.at(-1)];
    if (first === undefined || last === undefined) return { first: 0, last: -1 };
    return { first: Math.max(first.from - 1, Number.MIN_SAFE_INTEGER), last: last.to };
  }

  #allows(place: number, setting: string | null, membership: string | null): boolean {
    if (setting === 'world_readable' || membership === 'join') return true;
    if (setting === 'invited') return membership === 'invite';
    if (setting === 'joined') return false;
    // `shared`, which is also what stands for no setting and for one that is not understood.
    return this.#memberships.some((step) => step.value === 'join' && step.place > place);
  }
}

/** The value that holds just before `place`. */
function valueBefore(steps: readonly HistoryStep[], place: number): string | null {
  return steps.findLast((step) => step.place < place)?.value ?? null;
}
