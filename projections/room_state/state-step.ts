import type { StateRef } from '../../src/log/records.ts';
import { asEventId } from '../../src/matrix/identifiers.ts';
import { diff } from '../../src/state/diff.ts';
import { rootFromBytes } from '../../src/state/root.ts';
import type { StateChange } from '../../src/state/state-change.ts';
import { EMPTY_ROOT, StateTree } from '../../src/state/state-tree.ts';
import { PoisonError } from '../framework/model.ts';

/** A room's state after a record, and what differs from before. */
export interface StateStep {
  readonly tree: StateTree;
  readonly changes: readonly StateChange[];
}

/**
 * Applies a record's changes to the room's current state and proves the result: the root must be the record's.
 * Changes are relative to the current state, or to the empty one when a whole state is given.
 * @throws PoisonError when the roots differ: the room stops here.
 */
export function newState(offset: number, current: StateTree, reference: StateRef): StateStep {
  const whole = reference.base !== null && rootFromBytes(reference.base) === EMPTY_ROOT;
  const changes = reference.changed.map(({ type, state_key, event_id }) => ({
    type,
    stateKey: state_key,
    ...(event_id === null ? {} : { after: asEventId(event_id) }),
  }));
  const tree = (whole ? StateTree.empty : current).apply(changes);
  if (reference.root !== null && tree.root !== rootFromBytes(reference.root)) {
    throw new PoisonError(
      offset,
      `The room's state comes to the root ${tree.root.slice(0, 12)}, the record says ` +
        `${rootFromBytes(reference.root).slice(0, 12)}.`,
    );
  }
  // Only what really differs: an entry that is set to what it is has no row of its own.
  return { tree, changes: whole || changes.length > 1 ? [...diff(current, tree)] : changes };
}

/** For an event that leaves the state as it was. @throws PoisonError when its root is not the room's. */
export function assertSameRoot(offset: number, room: Uint8Array, record: Uint8Array | null): void {
  if (record === null || Buffer.compare(room, record) === 0) return;
  throw new PoisonError(
    offset,
    `The room's state has the root ${hex(room)}, the record was decided on ${hex(record)}.`,
  );
}

function hex(root: Uint8Array): string {
  return Buffer.from(root.buffer, root.byteOffset, 6).toString('hex');
}
