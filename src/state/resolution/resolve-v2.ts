import type { EventId } from '../../matrix/identifiers.ts';
import { ownString } from '../../matrix/json.ts';
import type { AuthBook } from './auth-book.ts';
import { authDifference } from './auth-difference.ts';
import type { ChainPlace } from './auth-source.ts';
import type { Conflict } from './conflict.ts';
import { conflictedSubgraph } from './conflicted-subgraph.ts';
import { iterativeAuthChecks, type Judging, PartialState } from './iterative-auth.ts';
import { mainlineOrder } from './mainline-order.ts';
import { powerOrder } from './power-order.ts';
import type { Resolved } from './resolve.ts';

/** State resolution of room versions 2 to 11 (spec: room version 2, "State resolution"). */
export async function resolveV2(conflict: Conflict, judging: Omit<Judging, 'fallBack'>): Promise<Resolved> {
  const full = new Set([...conflict.events(), ...(await authDifference(judging.book, conflict))]);
  const state = new PartialState((type, stateKey) => conflict.agreed(type, stateKey));
  return resolveFullSet(conflict, full, state, { ...judging, fallBack: true });
}

/**
 * State resolution of room version 12 (spec: room version 12, "State resolution"; MSC4297): what lies between
 * conflicted events is resolved with them, and nothing is taken for granted at the start.
 */
export async function resolveV21(conflict: Conflict, judging: Omit<Judging, 'fallBack'>): Promise<Resolved> {
  const { book } = judging;
  const conflicted = conflict.events();
  const difference = await authDifference(book, conflict);
  const full = new Set([...conflicted, ...difference, ...(await conflictedSubgraph(book, conflicted))]);
  return resolveFullSet(conflict, full, new PartialState(() => undefined), { ...judging, fallBack: true });
}

/** The algorithm proper, on the full conflicted set. */
async function resolveFullSet(
  conflict: Conflict,
  full: ReadonlySet<EventId>,
  state: PartialState,
  judging: Judging,
): Promise<Resolved> {
  const { book } = judging;
  await book.loadWithAuth([...full]);
  const power = await powerEvents(book, full);
  await iterativeAuthChecks(judging, state, powerOrder(book, power));
  const others = full.difference(power);
  const levels = state.get('m.room.power_levels', '');
  await iterativeAuthChecks(judging, state, await mainlineOrder(book, others, levels));
  return { state: conflict.settle(state.resolved()), conflicted: full };
}

/** The power events of the full conflicted set, and what of it is in their auth chains. */
async function powerEvents(book: AuthBook, full: ReadonlySet<EventId>): Promise<ReadonlySet<EventId>> {
  const list = [...full];
  const places = await book.places(list);
  const power = list.filter((id) => isPowerEvent(book, id));
  const reach = book.reachOf(power);
  const isReached = ({ position }: ChainPlace) =>
    position !== undefined && (reach.get(position.chain) ?? 0) >= position.seq;
  const below = list.filter((_, index) => {
    const place = places[index];
    return place !== undefined && isReached(place);
  });
  return new Set([...power, ...below]);
}

function isPowerEvent(book: AuthBook, id: EventId): boolean {
  const { type, sender, state_key: stateKey, content } = book.event(id).pdu;
  if (stateKey === undefined) return false;
  if (type === 'm.room.power_levels' || type === 'm.room.join_rules') return true;
  const membership = type === 'm.room.member' ? ownString(content, 'membership') : undefined;
  return (membership === 'leave' || membership === 'ban') && sender !== stateKey;
}
