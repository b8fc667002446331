import { authTypesFor } from '../../matrix/auth-events.ts';
import { checkAuth } from '../../matrix/auth-rules.ts';
import type { StateEvent, StateLookup } from '../../matrix/auth-state.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import type { Verifier } from '../../matrix/signing.ts';
import type { AuthBook } from './auth-book.ts';
import { keyName } from './auth-source.ts';
import type { ResolvedKey } from './conflict.ts';

/** A state while it is being resolved: what was allowed so far, over what it began with. */
export class PartialState {
  readonly #resolved = new Map<string, ResolvedKey>();
  readonly #start: (type: string, stateKey: string) => EventId | undefined;

  /** @param start what holds for a key before anything is resolved */
  constructor(start: (type: string, stateKey: string) => EventId | undefined) {
    this.#start = start;
  }

  get(type: string, stateKey: string): EventId | undefined {
    return this.#resolved.get(keyName(type, stateKey))?.eventId ?? this.#start(type, stateKey);
  }

  set(type: string, stateKey: string, eventId: EventId): void {
    this.#resolved.set(keyName(type, stateKey), { type, stateKey, eventId });
  }

  /** What was put in. */
  resolved(): Iterable<ResolvedKey> {
    return this.#resolved.values();
  }
}

/** How events are judged while a state is resolved. */
export interface Judging {
  readonly book: AuthBook;
  readonly verifier: Verifier;
  /** Where the state lacks what the rules ask for, the event's own auth events stand in (from version 2 on). */
  readonly fallBack: boolean;
}

/**
 * The iterative auth checks (spec: room version 2, "Definitions"): puts each event into the state that the rules
 * allow in it, one after the other.
 */
export async function iterativeAuthChecks(
  judging: Judging,
  state: PartialState,
  ids: readonly EventId[],
): Promise<void> {
  await judging.book.loadWithAuth(ids);
  for (const id of ids) {
    const { type, state_key: stateKey } = judging.book.event(id).pdu;
    if (stateKey !== undefined && (await isAllowedIn(judging, state, id))) state.set(type, stateKey, id);
  }
}

/** Whether the rules allow an event in a state. The event was read. */
export async function isAllowedIn(judging: Judging, state: PartialState, id: EventId): Promise<boolean> {
  const { book, verifier } = judging;
  const { pdu } = book.event(id);
  const own = judging.fallBack ? await ownAuth(book, id) : undefined;
  const present = new Map<string, EventId>();
  for (const [type, stateKey] of [['m.room.create', ''] as const, ...authTypesFor(book.version, pdu)]) {
    const name = keyName(type, stateKey);
    const holds = state.get(type, stateKey) ?? own?.get(name);
    if (holds !== undefined) present.set(name, holds);
  }
  await book.load(present.values());
  const lookup: StateLookup = (type, stateKey) => {
    const found = present.get(keyName(type, stateKey));
    return found === undefined ? undefined : stateEvent(book, found);
  };
  // Who vouches for a restricted join must have signed it: that is the event's own and was checked on receipt.
  return checkAuth(book.version, pdu, lookup, { verifier, isSignedBy: () => true }).allowed;
}

/** The auth events of an event, but those that were rejected, by their keys. */
async function ownAuth(book: AuthBook, id: EventId): Promise<ReadonlyMap<string, EventId>> {
  await book.loadWithAuth([id]);
  return new Map(
    book.authOf(id).flatMap((auth) => {
      const { pdu, rejected } = book.event(auth);
      const { type, state_key: stateKey } = pdu;
      return rejected || stateKey === undefined ? [] : [[keyName(type, stateKey), auth] as const];
    }),
  );
}

function stateEvent(book: AuthBook, id: EventId): StateEvent {
  const { sender, content } = book.event(id).pdu;
  return { event_id: id, sender, content };
}
