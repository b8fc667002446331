import type { EventId } from '../../matrix/identifiers.ts';
import type { RoomVersion } from '../../matrix/room-versions.ts';
import type { Verifier } from '../../matrix/signing.ts';
import type { Visits } from '../node.ts';
import { StateTree } from '../state-tree.ts';
import { AuthBook } from './auth-book.ts';
import type { AuthSource } from './auth-source.ts';
import { Conflict } from './conflict.ts';
import type { Judging } from './iterative-auth.ts';
import { resolveV1 } from './resolve-v1.ts';
import { resolveV2, resolveV21 } from './resolve-v2.ts';

/** What became of some states. */
export interface Resolved {
  readonly state: StateTree;
  /** What was gone through to decide: the full conflicted set; in version 1 the conflicting events. */
  readonly conflicted: ReadonlySet<EventId>;
}

/** What a resolution needs beside the states. */
export interface ResolutionOptions {
  readonly version: RoomVersion;
  readonly source: AuthSource;
  /** Checks the signatures of third-party invitations. */
  readonly verifier: Verifier;
  /** Counts the branches of state trees that are opened. */
  readonly visits?: Visits;
}

type Algorithm = (conflict: Conflict, judging: Omit<Judging, 'fallBack'>) => Promise<Resolved>;

const ALGORITHMS: Readonly<Record<RoomVersion['stateResolution'], Algorithm>> = {
  v1: resolveV1,
  v2: resolveV2,
  'v2.1': resolveV21,
};

/**
 * The resolution of some states of a room (spec: room versions, "State resolution"), the same in whatever order they
 * come. Costs what the conflict costs, not what the room does: it opens the trees where they differ, and reads the
 * conflicted events, their auth events and little besides.
 * @throws StateTreeError `missing` when the source lacks an event of the states, or one in their auth chains.
 */
export async function resolveStates(
  states: readonly StateTree[],
  options: ResolutionOptions,
): Promise<Resolved> {
  const [first = StateTree.empty, ...others] = states;
  const conflict = Conflict.of([first, ...others], options.visits);
  if (conflict.keys.size === 0) return { state: first, conflicted: new Set() };
  const book = new AuthBook(options.version, options.source);
  return ALGORITHMS[options.version.stateResolution](conflict, { book, verifier: options.verifier });
}
