import type { EventId } from '../../matrix/identifiers.ts';
import type { AuthBook } from './auth-book.ts';
import type { ChainPlace, ChainPosition } from './auth-source.ts';

/**
 * The conflicted state subgraph (spec: room version 12, "Definitions"; MSC4297): every event on a path along auth
 * events from one conflicted event to another. Walks down from the conflicted events, and no further than to where
 * nothing conflicted lies below.
 */
export async function conflictedSubgraph(
  book: AuthBook,
  conflicted: ReadonlySet<EventId>,
): Promise<ReadonlySet<EventId>> {
  const targets = await lowestTargets(book, conflicted);
  const found = new Set<EventId>();
  let level = [...conflicted].filter((id) => leadsTo(book.place(id), targets));
  while (level.length > 0) {
    await book.load(level);
    const below = new Set(level.flatMap((id) => book.authOf(id)).filter((id) => !found.has(id)));
    const places = await book.places(below);
    const next = [...below].filter((id, index) => {
      const place = places[index];
      return conflicted.has(id) || (place !== undefined && leadsTo(place, targets));
    });
    for (const id of next) found.add(id);
    level = next.filter((id) => leadsTo(book.place(id), targets));
  }
  return found;
}

/** Of each chain the first conflicted event: who reaches any of the chain's reaches that. */
async function lowestTargets(
  book: AuthBook,
  conflicted: ReadonlySet<EventId>,
): Promise<ReadonlyMap<number, number>> {
  const lowest = new Map<number, number>();
  const positions: readonly (ChainPosition | undefined)[] = (await book.places(conflicted)).map(
    ({ position }) => position,
  );
  for (const position of positions) {
    if (position === undefined) continue;
    const { chain, seq } = position;
    lowest.set(chain, Math.min(seq, lowest.get(chain) ?? seq));
  }
  return lowest;
}

function leadsTo({ reach }: ChainPlace, targets: ReadonlyMap<number, number>): boolean {
  // Whichever is smaller is gone through.
  if (reach.size < targets.size) {
    for (const [chain, seq] of reach)
      if (seq >= (targets.get(chain) ?? Number.POSITIVE_INFINITY)) return true;
    return false;
  }
  for (const [chain, seq] of targets) if ((reach.get(chain) ?? 0) >= seq) return true;
  return false;
}
