/** Presence (spec: client-server API, "Presence"), pure: what several devices and nodes come to. */

/** A state, as the spec names them. */
export type PresenceState = 'online' | 'unavailable' | 'offline';

/** Who somebody is to others at this moment. */
export interface Presence {
  readonly presence: PresenceState;
  /** When the user last did something, milliseconds since the epoch; undefined when nobody knows. */
  readonly active_at: number | undefined;
  readonly currently_active: boolean;
  readonly status_msg: string | null;
  /** The offset in `users` of the last change of the name or avatar that was told with it; 0: none was. */
  readonly profile: number;
}

const RANK: Readonly<Record<PresenceState, number>> = { offline: 0, unavailable: 1, online: 2 };

/** The state of a user with several devices: the liveliest of them. */
export function liveliest(states: Iterable<PresenceState>): PresenceState {
  let best: PresenceState = 'offline';
  for (const state of states) if (RANK[state] > RANK[best]) best = state;
  return best;
}

/** What one node says of a user whose devices talk to it. */
export interface NodePresence extends Presence {
  /** Until when it holds without being said again, milliseconds since the epoch. */
  readonly until: number;
}

/** What the words of all nodes come to. @param said oldest word first: the status message is the newest. */
export function combined(said: readonly NodePresence[], now: number): Presence {
  const live = said.filter(({ until }) => until > now);
  const presence = liveliest(live.map((one) => one.presence));
  const times = said.flatMap(({ active_at }) => active_at ?? []);
  return {
    presence,
    active_at: times.length === 0 ? undefined : Math.max(...times),
    currently_active: presence === 'online' && live.some((one) => one.currently_active),
    status_msg: said.at(-1)?.status_msg ?? null,
    profile: Math.max(0, ...said.map((one) => one.profile)),
  };
}

/** Whether others need not be told: the last activity alone is no news. */
export function looksTheSame(one: Presence, other: Presence): boolean {
  return (
    one.presence === other.presence &&
    one.currently_active === other.currently_active &&
    one.status_msg === other.status_msg &&
    one.profile === other.profile
  );
}

/** Partitions of `ephemeral` that hold presence at the most: every token has a position for each of them. */
const PARTITIONS = 8;

/** How many partitions hold presence. */
export function presencePartitions(slots: number): number {
  return Math.min(slots, PARTITIONS);
}
