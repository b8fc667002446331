import type { EventId } from '../../matrix/identifiers.ts';
import type { AuthBook } from './auth-book.ts';

/**
 * The mainline ordering (spec: room version 2, "Definitions"): by how far back in the history of `power` the power
 * levels stand that an event was sent under, then by time, then by ID. The history is read by pieces of the chain
 * cover, not event by event: power levels have chains of their own, in which each names the one before.
 */
export async function mainlineOrder(
  book: AuthBook,
  ids: Iterable<EventId>,
  power: EventId | undefined,
): Promise<readonly EventId[]> {
  const list = [...ids];
  await book.loadWithAuth(list);
  const mainline = new Mainline(book, power);
  const placed: Placed[] = [];
  for (const id of list) {
    placed.push({ id, at: book.event(id).pdu.origin_server_ts, position: await mainline.positionOf(id) });
  }
  return placed.sort(compare).map(({ id }) => id);
}

/** A place in the mainline: which piece of a chain, and how far from the piece's end. */
type Position = readonly [piece: number, back: number];

interface Placed {
  readonly id: EventId;
  readonly at: number;
  readonly position: Position;
}

function compare(a: Placed, b: Placed): number {
  for (const index of [0, 1] as const) {
    // Both may be infinite, so they are not subtracted.
    if (a.position[index] !== b.position[index]) return a.position[index] > b.position[index] ? -1 : 1;
  }
  return a.at - b.at || (a.id < b.id ? -1 : 1);
}

const NOWHERE: Position = [Number.POSITIVE_INFINITY, 0];

/** Pieces of chains that make up a history of power levels, latest first; read as far as asked for. */
class Mainline {
  readonly #book: AuthBook;
  /** By chain: which piece it is, and where in the chain the mainline enters it. */
  readonly #pieces = new Map<number, { readonly piece: number; readonly end: number }>();
  /** What the next piece ends with; undefined when there is none. */
  #next: EventId | undefined;

  constructor(book: AuthBook, power: EventId | undefined) {
    this.#book = book;
    this.#next = power;
  }

  /** The mainline position of an event: that of the first of the power levels behind it that is in the mainline. */
  async positionOf(id: EventId): Promise<Position> {
    let own = await this.#powerOf(id);
    while (own !== undefined) {
      const { chain, seq } = await this.#positionInCover(own);
      const piece = await this.#pieceOf(chain);
      if (piece !== undefined) return [piece.piece, piece.end - Math.min(seq, piece.end)];
      own = await this.#before(chain);
    }
    return NOWHERE;
  }

  /** The piece of the mainline in this chain, read up to there; undefined when the mainline has none. */
  async #pieceOf(chain: number): Promise<{ piece: number; end: number } | undefined> {
    while (!this.#pieces.has(chain) && this.#next !== undefined) {
      const { chain: nextChain, seq } = await this.#positionInCover(this.#next);
      this.#pieces.set(nextChain, { piece: this.#pieces.size, end: seq });
      this.#next = await this.#before(nextChain);
    }
    return this.#pieces.get(chain);
  }

  /** The power levels that the first of a chain names. */
  async #before(chain: number): Promise<EventId | undefined> {
    const [first] = await this.#book.source.eventsAt([{ chain, seq: 1 }]);
    return first === undefined ? undefined : this.#powerOf(first);
  }

  async #powerOf(id: EventId): Promise<EventId | undefined> {
    await this.#book.loadWithAuth([id]);
    return this.#book.authOf(id).find((auth) => this.#book.event(auth).pdu.type === 'm.room.power_levels');
  }

  async #positionInCover(power: EventId) {
    const [place] = await this.#book.places([power]);
    if (place?.position === undefined) throw new TypeError('power levels stand in a chain');
    return place.position;
  }
}
