import type { EventId } from '../../matrix/identifiers.ts';
import type { AuthBook } from './auth-book.ts';
import { type ChainPosition, canAuthorise, extendReach } from './auth-source.ts';
import type { Conflict } from './conflict.ts';

/**
 * How far the auth chains of the agreed state reach. That state may have 100,000 events, so none of it is walked
 * down: whether an event is in one of their auth chains is asked upwards, from the event to what it has authorised.
 * Where it is, the first of those that is looked at mostly says so; where it is not, all that it has authorised is
 * part of the conflict, or was replaced within it.
 */
export class AgreedReach {
  readonly #book: AuthBook;
  readonly #conflict: Conflict;
  /** Of each chain, how far it is known to be reached. */
  readonly #known = new Map<number, number>();
  /** Events that are in no auth chain of the agreed state. */
  readonly #outside = new Set<EventId>();
  readonly #counted = new Set<EventId>();

  constructor(book: AuthBook, conflict: Conflict) {
    this.#book = book;
    this.#conflict = conflict;
  }

  /** Takes in what those of these events reach that are agreed on. They were read already. */
  async count(ids: Iterable<EventId>): Promise<void> {
    for (const id of ids) {
      const { type, state_key: stateKey } = this.#book.event(id).pdu;
      if (stateKey !== undefined && this.#conflict.agreed(type, stateKey) === id) await this.#take(id);
    }
  }

  /** How far a chain is known to be reached: 0 where nothing of it is known to be. */
  knownOf(chain: number): number {
    return this.#known.get(chain) ?? 0;
  }

  /** Whether the event at this position is in the auth chain of an event that all states agree on. */
  async covers({ chain, seq }: ChainPosition, id: EventId): Promise<boolean> {
    const isKnown = () => this.knownOf(chain) >= seq;
    const seen = new Set<EventId>([id]);
    const above = [id];
    for (let next = above.pop(); next !== undefined && !isKnown(); next = above.pop()) {
      for await (const event of this.#book.source.authorised(next)) {
        if (seen.has(event.id)) continue;
        seen.add(event.id);
        const agreed = this.#conflict.agreed(event.type, event.stateKey);
        if (agreed !== undefined) await this.#take(agreed);
        if (isKnown()) return true;
        // What is outside may itself be agreed on, so it is looked at as the others are, but nothing above it.
        if (canAuthorise(event.type) && !this.#outside.has(event.id)) above.push(event.id);
      }
    }
    if (isKnown()) return true;
    for (const each of seen) this.#outside.add(each);
    return false;
  }

  async #take(id: EventId): Promise<void> {
    if (this.#counted.has(id)) return;
    this.#counted.add(id);
    const [place] = await this.#book.places([id]);
    extendReach(this.#known, place?.reach ?? []);
  }
}
