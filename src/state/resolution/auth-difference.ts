import type { EventId } from '../../matrix/identifiers.ts';
import { AgreedReach } from './agreed-reach.ts';
import type { AuthBook } from './auth-book.ts';
import type { ChainPosition } from './auth-source.ts';
import type { Conflict } from './conflict.ts';

/**
 * The auth difference (spec: room version 2, "Definitions"): the events in the full auth chain of one of the states
 * but not in those of all. What the agreed state needs is in all of them, so only the conflicted events of each
 * state are compared, chain by chain, and what lies above that is kept where the agreed state does not reach it.
 */
export async function authDifference(book: AuthBook, conflict: Conflict): Promise<ReadonlySet<EventId>> {
  const conflicted = [...conflict.events()];
  await book.loadWithAuth(conflicted);
  await book.places(conflicted);
  const direct = new Set(conflicted.flatMap((id) => book.authOf(id)));
  const agreed = new AgreedReach(book, conflict);
  await agreed.count(direct);
  const names = await namesOf(book, direct);
  const difference = new Set<EventId>();
  for (const { chain, from, to } of rangesOf(book, conflict)) {
    for (let seq = to; seq > Math.max(from, agreed.knownOf(chain)); seq--) {
      const id = await eventAt(book, { chain, seq }, names);
      if (await agreed.covers({ chain, seq }, id)) break;
      difference.add(id);
    }
  }
  return difference;
}

/** A piece of a chain: all after `from`, up to `to`. */
interface ChainRange {
  readonly chain: number;
  readonly from: number;
  readonly to: number;
}

/** What the conflicted events of some states reach and those of others do not. */
function rangesOf(book: AuthBook, conflict: Conflict): readonly ChainRange[] {
  const reaches = Array.from({ length: conflict.count }, (_, index) => book.reachOf(conflict.heldIn(index)));
  const chains = new Set(reaches.flatMap((reach) => [...reach.keys()]));
  return [...chains].flatMap((chain) => {
    const far = reaches.map((reach) => reach.get(chain) ?? 0);
    const range = { chain, from: Math.min(...far), to: Math.max(...far) };
    return range.to > range.from ? [range] : [];
  });
}

type Names = Map<string, EventId>;

/** The events of which the place is known, by it. */
async function namesOf(book: AuthBook, ids: ReadonlySet<EventId>): Promise<Names> {
  const list = [...ids];
  const names: Names = new Map();
  for (const [index, { position }] of (await book.places(list)).entries()) {
    const id = list[index];
    if (position !== undefined && id !== undefined) names.set(nameOf(position), id);
  }
  return names;
}

async function eventAt(book: AuthBook, position: ChainPosition, names: Names): Promise<EventId> {
  const known = names.get(nameOf(position));
  if (known !== undefined) return known;
  const [id] = await book.source.eventsAt([position]);
  return id as EventId; // The port promises one for each position.
}

function nameOf({ chain, seq }: ChainPosition): string {
  return `${chain} ${seq}`;
}
