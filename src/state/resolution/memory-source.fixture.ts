import { authEventIds } from '../../matrix/event-format.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import { StateTreeError } from '../errors.ts';
import type { AuthEvent, AuthorisedEvent, AuthSource, ChainPlace, ChainPosition } from './auth-source.ts';
import { ChainCover } from './chain-cover.ts';

/** Events in memory, with their chain cover; counts what is read of them. */
export class MemoryAuthSource implements AuthSource {
  readonly all = new Map<EventId, AuthEvent>();
  readonly cover = new ChainCover();
  /** Events, places and positions that were asked for, and authorised events that were looked at. */
  reads = 0;

  add(event: AuthEvent): void {
    const { id, pdu } = event;
    this.all.set(id, event);
    this.cover.add({ id, type: pdu.type, stateKey: pdu.state_key ?? '', authEvents: authEventIds(pdu) });
  }

  async events(ids: readonly EventId[]): Promise<ReadonlyMap<EventId, AuthEvent>> {
    this.reads += ids.length;
    return pick(ids, (id) => this.all.get(id));
  }

  async places(ids: readonly EventId[]): Promise<ReadonlyMap<EventId, ChainPlace>> {
    this.reads += ids.length;
    return pick(ids, (id) => this.cover.place(id));
  }

  async eventsAt(positions: readonly ChainPosition[]): Promise<readonly EventId[]> {
    this.reads += positions.length;
    return positions.map((position) => this.cover.eventAt(position));
  }

  async *authorised(id: EventId): AsyncGenerator<AuthorisedEvent, void, undefined> {
    if (!this.all.has(id)) throw new StateTreeError('missing', id);
    for (const event of this.cover.authorised(id)) {
      this.reads += 1;
      yield event;
    }
  }
}

function pick<T>(ids: readonly EventId[], of: (id: EventId) => T | undefined): ReadonlyMap<EventId, T> {
  const found = new Map<EventId, T>();
  for (const id of ids) {
    const value = of(id);
    if (value !== undefined) found.set(id, value);
  }
  return found;
}
