import { authEventIds } from '../../matrix/event-format.ts';
import { createEventIdOf } from '../../matrix/hashes.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import type { RoomVersion } from '../../matrix/room-versions.ts';
import { StateTreeError } from '../errors.ts';
import { type AuthEvent, type AuthSource, type ChainPlace, extendReach, type Reach } from './auth-source.ts';

/** What one resolution has read so far: everything is asked of the source once. */
export class AuthBook {
  readonly source: AuthSource;
  readonly version: RoomVersion;
  readonly #events = new Map<EventId, AuthEvent>();
  readonly #places = new Map<EventId, ChainPlace>();

  constructor(version: RoomVersion, source: AuthSource) {
    this.version = version;
    this.source = source;
  }

  /** Reads events. @throws StateTreeError `missing` when the source lacks one */
  async load(ids: Iterable<EventId>): Promise<void> {
    const wanted = [...new Set(ids)].filter((id) => !this.#events.has(id));
    if (wanted.length === 0) return;
    for (const [id, event] of await this.source.events(wanted)) this.#events.set(id, event);
    for (const id of wanted) this.event(id);
  }

  /** Reads events and those that they name as their auth events. @throws StateTreeError as `load` */
  async loadWithAuth(ids: readonly EventId[]): Promise<void> {
    await this.load(ids);
    await this.load(ids.flatMap((id) => this.authOf(id)));
  }

  /** An event that was read. @throws StateTreeError `missing` when it was not */
  event(id: EventId): AuthEvent {
    const event = this.#events.get(id);
    if (event === undefined) throw new StateTreeError('missing', `the event ${id} is not known`);
    return event;
  }

  /** The IDs of an event's auth events; where the room ID alone names the create event, that too. */
  authOf(id: EventId): readonly EventId[] {
    const { pdu } = this.event(id);
    const listed = authEventIds(pdu);
    const impliesCreate = !this.version.createInAuthEvents && pdu.room_id !== undefined;
    return impliesCreate ? [createEventIdOf(pdu.room_id), ...listed] : listed;
  }

  /** Where events stand in the chain cover. @throws StateTreeError `missing` when one is not in it */
  async places(ids: Iterable<EventId>): Promise<readonly ChainPlace[]> {
    const all = [...ids];
    const wanted = [...new Set(all)].filter((id) => !this.#places.has(id));
    if (wanted.length > 0) {
      for (const [id, place] of await this.source.places(wanted)) this.#places.set(id, place);
    }
    return all.map((id) => this.place(id));
  }

  /** Where an event stands, once it was asked for. @throws StateTreeError `missing` */
  place(id: EventId): ChainPlace {
    const place = this.#places.get(id);
    if (place === undefined) throw new StateTreeError('missing', `the event ${id} is not in the chain cover`);
    return place;
  }

  /** How far the auth chains of events go together, once their places were asked for. @throws as `place` */
  reachOf(ids: Iterable<EventId>): Reach {
    const reach = new Map<number, number>();
    for (const id of ids) extendReach(reach, this.place(id).reach);
    return reach;
  }
}
