import { hash } from 'node:crypto';
import { byCodePoint } from '../../matrix/canonical-json.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import type { AuthBook } from './auth-book.ts';
import { keyName } from './auth-source.ts';
import type { Conflict, ConflictedKey } from './conflict.ts';
import { isAllowedIn, type Judging, PartialState } from './iterative-auth.ts';
import type { Resolved } from './resolve.ts';

/** The types that are settled first, in this order. */
const FIRST_TYPES = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member'];

/**
 * State resolution of room version 1 (spec: room version 1, "State resolution"). A key that some states have and
 * others lack is no conflict there: the union has it. Known to set rooms back; such rooms are what they are.
 */
export async function resolveV1(conflict: Conflict, judging: Omit<Judging, 'fallBack'>): Promise<Resolved> {
  const { book } = judging;
  const judge: Judging = { ...judging, fallBack: false };
  const keys = [...conflict.keys.values()].sort(
    (a, b) => byCodePoint(a.type, b.type) || byCodePoint(a.stateKey, b.stateKey),
  );
  const union = new Map(
    keys.flatMap((key) => {
      const [only, ...more] = choicesOf(key);
      return only === undefined || more.length > 0 ? [] : [[keyName(key.type, key.stateKey), only] as const];
    }),
  );
  const state = new PartialState(
    (type, stateKey) => union.get(keyName(type, stateKey)) ?? conflict.agreed(type, stateKey),
  );
  const disputed = keys.filter((key) => choicesOf(key).length > 1);
  await book.load(disputed.flatMap(choicesOf));
  for (const type of FIRST_TYPES) {
    for (const key of disputed) if (key.type === type) await takeInOrder(judge, state, key);
  }
  for (const key of disputed) if (!FIRST_TYPES.includes(key.type)) await takeDeepest(judge, state, key);
  for (const { type, stateKey } of keys) {
    const only = union.get(keyName(type, stateKey));
    if (only !== undefined) state.set(type, stateKey, only);
  }
  return { state: conflict.settle(state.resolved()), conflicted: new Set(disputed.flatMap(choicesOf)) };
}

function choicesOf({ held }: ConflictedKey): readonly EventId[] {
  return [...new Set(held.filter((id) => id !== undefined))];
}

/** The shallowest stands, each deeper one replaces it, until one is not allowed. */
async function takeInOrder(judge: Judging, state: PartialState, key: ConflictedKey): Promise<void> {
  const [first, ...deeper] = fromShallowest(judge.book, choicesOf(key));
  if (first === undefined) return;
  state.set(key.type, key.stateKey, first);
  for (const id of deeper) {
    if (!(await isAllowedIn(judge, state, id))) return;
    state.set(key.type, key.stateKey, id);
  }
}

/** The deepest that is allowed stands; none, where none is. */
async function takeDeepest(judge: Judging, state: PartialState, key: ConflictedKey): Promise<void> {
  for (const id of fromShallowest(judge.book, choicesOf(key)).toReversed()) {
    if (await isAllowedIn(judge, state, id)) return state.set(key.type, key.stateKey, id);
  }
}

/** By ascending depth, then by descending SHA-1 of the ID. */
function fromShallowest(book: AuthBook, ids: readonly EventId[]): readonly EventId[] {
  const sha1 = new Map(ids.map((id) => [id, hash('sha1', id, 'hex')]));
  return [...ids].sort((a, b) => {
    const byDepth = book.event(a).pdu.depth - book.event(b).pdu.depth;
    return byDepth || ((sha1.get(a) ?? '') > (sha1.get(b) ?? '') ? -1 : 1);
  });
}
