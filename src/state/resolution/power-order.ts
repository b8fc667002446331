import type { StateLookup } from '../../matrix/auth-state.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import { powerLevels } from '../../matrix/power-levels.ts';
import type { AuthBook } from './auth-book.ts';
import { keyName } from './auth-source.ts';

/**
 * The reverse topological power ordering (spec: room version 2, "Definitions"): auth events first; of those that are
 * free to stand next, the one whose sender has the greatest power by the event's own auth events, then the earliest,
 * then the least ID. The events and their auth events were read.
 */
export function powerOrder(book: AuthBook, ids: ReadonlySet<EventId>): readonly EventId[] {
  const waiting = new Map<EventId, number>();
  const after = new Map<EventId, EventId[]>();
  for (const id of ids) {
    const inside = [...new Set(book.authOf(id))].filter((auth) => ids.has(auth));
    waiting.set(id, inside.length);
    for (const auth of inside) after.set(auth, [...(after.get(auth) ?? []), id]);
  }
  const free = new Heap([...ids].filter((id) => waiting.get(id) === 0).map((id) => candidate(book, id)));
  const ordered: EventId[] = [];
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    ordered.push(next.id);
    for (const id of after.get(next.id) ?? []) {
      const left = (waiting.get(id) ?? 0) - 1;
      waiting.set(id, left);
      if (left === 0) free.push(candidate(book, id));
    }
  }
  return ordered;
}

interface Candidate {
  readonly id: EventId;
  readonly power: number;
  readonly at: number;
}

function candidate(book: AuthBook, id: EventId): Candidate {
  const { pdu } = book.event(id);
  const byKey = new Map(
    book.authOf(id).map((auth) => {
      const event = book.event(auth).pdu;
      return [keyName(event.type, event.state_key ?? ''), { ...event, event_id: auth }] as const;
    }),
  );
  const state: StateLookup = (type, stateKey) => byKey.get(keyName(type, stateKey));
  return { id, power: powerLevels(book.version, state).of(pdu.sender), at: pdu.origin_server_ts };
}

function comesBefore(a: Candidate, b: Candidate): boolean {
  // Levels may be infinite, so they are not subtracted.
  if (a.power !== b.power) return a.power > b.power;
  return a.at === b.at ? a.id < b.id : a.at < b.at;
}

/** The first of many, while more come in: Kahn's algorithm asks it once an event. */
class Heap {
  readonly #items: Candidate[] = [];

  constructor(items: readonly Candidate[]) {
    for (const item of items) this.push(item);
  }

  push(item: Candidate): void {
    const items = this.#items;
    items.push(item);
    for (let at = items.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  pop(): Candidate | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    items[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = this.#isBefore(right, left) ? right : left;
      if (!this.#swapIfBefore(least, at)) return first;
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#items[a], this.#items[b]];
    return one !== undefined && other !== undefined && comesBefore(one, other);
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [one, other] = [this.#items[a], this.#items[b]];
    if (one === undefined || other === undefined || !comesBefore(one, other)) return false;
    this.#items[a] = other;
    this.#items[b] = one;
    return true;
  }
}
