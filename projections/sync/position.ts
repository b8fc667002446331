import { SYNC_TOPICS, type SyncPosition } from './token.ts';

/** Arithmetic of positions, partition by partition. */

/** What both have seen. */
export function least(one: readonly number[], other: readonly number[]): readonly number[] {
  return one.map((offset, partition) => Math.min(offset, other[partition] ?? 0));
}

/** What either has seen. Gives `one` itself when the other adds nothing. */
export function most(one: readonly number[], other: readonly number[]): readonly number[] {
  if (one.every((offset, partition) => offset >= (other[partition] ?? 0))) return one;
  return one.map((offset, partition) => Math.max(offset, other[partition] ?? 0));
}

/** As `most`, for whole positions. */
export function mostOf(one: SyncPosition, other: SyncPosition): SyncPosition {
  return {
    rooms: most(one.rooms, other.rooms),
    user_values: most(one.user_values, other.user_values),
    ephemeral: most(one.ephemeral, other.ephemeral),
  };
}

/** Whether `one` has seen everything that `other` has. */
export function covers(one: SyncPosition, other: SyncPosition): boolean {
  return SYNC_TOPICS.every((topic) =>
    other[topic].every((offset, partition) => (one[topic][partition] ?? 0) >= offset),
  );
}
