import type { StateEntry } from './entry.ts';
import { FANOUT, type KeyPath } from './key-path.ts';
import { findEntry, type Node, nodeEntries, type Visits } from './node.ts';
import { nodeHash } from './node-encode.ts';
import type { StateChange } from './state-change.ts';
import { assertComparable, type StateTree } from './state-tree.ts';

/** What stands at one place of both trees. */
interface Pair {
  readonly before: Node | undefined;
  readonly after: Node | undefined;
  readonly depth: number;
}

/**
 * The keys that two states don't agree on, in the order of the tree. Opens only branches whose hashes differ: for
 * states that differ in one key, one a level. Hashes what isn't hashed yet. `visits`, if given, counts branches
 * that were opened (a pair counts once).
 */
export function* diff(
  before: StateTree,
  after: StateTree,
  visits: Visits = { branches: 0 },
): Generator<StateChange, void, undefined> {
  assertComparable(before, after);
  const stack: Pair[] = [{ before: before.top, after: after.top, depth: 0 }];
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    if (pair.before === pair.after) continue;
    if (pair.before?.kind !== 'branch' || pair.after?.kind !== 'branch') {
      yield* diffSmall(pair, before.keyPath, visits);
      continue;
    }
    if (nodeHash(pair.before) === nodeHash(pair.after)) continue;
    visits.branches++;
    for (let slot = FANOUT - 1; slot >= 0; slot--) {
      stack.push({
        before: pair.before.children[slot],
        after: pair.after.children[slot],
        depth: pair.depth + 1,
      });
    }
  }
}

/** The difference where one of the two is a leaf or nothing: all but a few entries of the other are in it. */
function* diffSmall(pair: Pair, keyPath: KeyPath, visits: Visits): Generator<StateChange, void, undefined> {
  const find = (node: Node | undefined, { type, stateKey }: StateEntry): StateEntry | undefined =>
    node === undefined ? undefined : findEntry(node, type, stateKey, keyPath, pair.depth);
  for (const entry of entriesOf(pair.before, visits)) {
    const { type, stateKey, eventId } = entry;
    const now = find(pair.after, entry)?.eventId;
    if (now === undefined) yield { type, stateKey, before: eventId };
    else if (now !== eventId) yield { type, stateKey, before: eventId, after: now };
  }
  for (const entry of entriesOf(pair.after, visits)) {
    if (find(pair.before, entry) !== undefined) continue;
    yield { type: entry.type, stateKey: entry.stateKey, after: entry.eventId };
  }
}

function entriesOf(node: Node | undefined, visits: Visits): Iterable<StateEntry> {
  return node === undefined ? [] : nodeEntries(node, visits);
}
