import type { EventId } from '../../matrix/identifiers.ts';
import { StateTreeError } from '../errors.ts';
import {
  type AuthorisedEvent,
  type ChainPlace,
  type ChainPosition,
  canAuthorise,
  extendReach,
  keyName,
  type Reach,
} from './auth-source.ts';

/** An event to be put into the cover. */
export interface CoveredEvent extends AuthorisedEvent {
  readonly authEvents: readonly EventId[];
}

interface Covered {
  readonly type: string;
  readonly stateKey: string;
  readonly place: ChainPlace;
  /** Events that name it: all that can authorise others, and of the rest one of each key. */
  readonly authorised: AuthorisedEvent[];
  readonly keys: Set<string>;
}

/**
 * A chain cover of a room's auth events: they are laid out in chains so that an auth chain is told by how far it
 * reaches into each, a few numbers instead of a set of thousands. Grows event by event, auth events first; what
 * stands in it never changes.
 *
 * Power levels have chains of their own, each naming the one before: such a chain is a piece of the mainline. Any
 * other event goes on with the chain of one that authorises it, by preference the one it replaces.
 */
export class ChainCover {
  readonly #events = new Map<EventId, Covered>();
  readonly #chains: EventId[][] = [];
  /** Reaches by the auth events that make them: a hundred thousand joins by the same rules share one. */
  readonly #reaches = new Map<string, Reach>();

  /**
   * Puts an event in; one that is there already stays.
   * @throws StateTreeError `missing` when one of its auth events is not in the cover.
   */
  add(event: CoveredEvent): void {
    if (this.#events.has(event.id)) return;
    const { id, type, stateKey } = event;
    const reach = this.#reachOf(event.authEvents);
    const position = canAuthorise(type) ? this.#nextPosition(event) : undefined;
    this.#events.set(id, { type, stateKey, place: { position, reach }, authorised: [], keys: new Set() });
    for (const auth of event.authEvents) this.#note(this.#covered(auth), { id, type, stateKey });
  }

  /** Where an event stands; undefined when it is not in the cover. */
  place(id: EventId): ChainPlace | undefined {
    return this.#events.get(id)?.place;
  }

  /** The event at a position. @throws StateTreeError `missing` when there is none. */
  eventAt({ chain, seq }: ChainPosition): EventId {
    const id = this.#chains[chain]?.[seq - 1];
    if (id === undefined) throw new StateTreeError('missing', `nothing stands at ${seq} of chain ${chain}`);
    return id;
  }

  /** The events that name this one among their auth events, latest first: see `AuthSource`. */
  *authorised(id: EventId): Generator<AuthorisedEvent, void, undefined> {
    const list = this.#events.get(id)?.authorised ?? [];
    for (let i = list.length - 1; i >= 0; i--) {
      const event = list[i];
      if (event !== undefined) yield event;
    }
  }

  #covered(id: EventId): Covered {
    const found = this.#events.get(id);
    if (found === undefined)
      throw new StateTreeError('missing', `the auth event ${id} is not in the chain cover`);
    return found;
  }

  #note(auth: Covered, event: AuthorisedEvent): void {
    if (!canAuthorise(event.type)) {
      const key = keyName(event.type, event.stateKey);
      if (auth.keys.has(key)) return;
      auth.keys.add(key);
    }
    auth.authorised.push(event);
  }

  #reachOf(authEvents: readonly EventId[]): Reach {
    const name = [...authEvents].sort().join(' ');
    const known = this.#reaches.get(name);
    if (known !== undefined) return known;
    const reach = new Map<number, number>();
    for (const auth of authEvents) {
      const { position, reach: further } = this.#covered(auth).place;
      extendReach(reach, further);
      if (position !== undefined) extendReach(reach, [[position.chain, position.seq]]);
    }
    this.#reaches.set(name, reach);
    return reach;
  }

  #nextPosition(event: CoveredEvent): ChainPosition {
    const previous = this.#endsOfChains(event)[0];
    const chain = previous?.chain ?? this.#chains.push([]) - 1;
    this.#chains[chain]?.push(event.id);
    return { chain, seq: (previous?.seq ?? 0) + 1 };
  }

  /** The chains that the event can go on with, that of its own key first. */
  #endsOfChains({ type, stateKey, authEvents }: CoveredEvent): readonly ChainPosition[] {
    const ends: ChainPosition[] = [];
    for (const auth of authEvents) {
      const { type: authType, stateKey: authKey, place } = this.#covered(auth);
      const { position } = place;
      const isOfPower = (other: string) => other === 'm.room.power_levels';
      if (position === undefined || isOfPower(authType) !== isOfPower(type)) continue;
      if (this.#chains[position.chain]?.length !== position.seq) continue;
      if (authType === type && authKey === stateKey) ends.unshift(position);
      else ends.push(position);
    }
    return ends;
  }
}
