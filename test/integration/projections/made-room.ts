import { hash } from 'node:crypto';
import type { AnyNewFact, NewFact } from '../../../src/log/fact-writer.ts';
import type { Pdu } from '../../../src/matrix/event.ts';
import { asEventId, asRoomId, asUserId, type EventId, type RoomId } from '../../../src/matrix/identifiers.ts';
import type { JsonObject } from '../../../src/matrix/json.ts';
import { type RoomVersion, roomVersion } from '../../../src/matrix/room-versions.ts';
import { eventFact } from '../../../src/rooms/facts.ts';
import { StateTree } from '../../../src/state/state-tree.ts';

/** An event to be made. */
export interface MadeEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly state_key?: string;
  readonly redacts?: EventId;
  readonly transaction?: { readonly device_id: string; readonly txn_id: string };
}

/** A room whose facts are made by hand: right in form, places and roots, signed by nobody. */
export class MadeRoom {
  readonly id: RoomId;
  /** Event IDs in the order of their places. */
  readonly eventIds: EventId[] = [];
  #state = StateTree.empty;
  #place = 0;
  #at = 1_700_000_000_000;
  readonly #version: RoomVersion;

  constructor(name: string, version: '11' | '12' = '12') {
    const hashed = hash('sha256', name, 'base64url');
    this.id = asRoomId(version === '12' ? `!${hashed}` : `!${hashed}:localhost`);
    this.#version = roomVersion(version) as RoomVersion; // One of ours.
  }

  /**
   * The facts of a room with its creator in it.
   * @param version in a room of version 11 owners can go on; in version 12 its ID would have to fit the event.
   */
  static create(
    name: string,
    creator: string,
    preset: Readonly<Record<string, JsonObject>> = {},
    version: '11' | '12' = '12',
  ): {
    readonly room: MadeRoom;
    readonly facts: readonly NewFact<'room_event'>[];
  } {
    const room = new MadeRoom(name, version);
    const facts = [
      room.fact({
        type: 'm.room.create',
        sender: creator,
        state_key: '',
        content: { room_version: version },
      }),
      room.member(creator, 'join'),
      room.fact({ type: 'm.room.power_levels', sender: creator, state_key: '', content: {} }),
      room.fact({
        type: 'm.room.join_rules',
        sender: creator,
        state_key: '',
        content: { join_rule: 'public' },
      }),
      ...Object.entries(preset).map(([type, content]) =>
        room.fact({ type, sender: creator, state_key: '', content }),
      ),
    ];
    return { room, facts };
  }

  /** A membership, sent by the member. */
  member(user: string, membership: string): NewFact<'room_event'> {
    return this.fact({ type: 'm.room.member', sender: user, state_key: user, content: { membership } });
  }

  /** A text message. */
  message(sender: string, body: string, more: JsonObject = {}): NewFact<'room_event'> {
    return this.fact({ type: 'm.room.message', sender, content: { body, msgtype: 'm.text', ...more } });
  }

  /** The fact of any event; the room goes on from it. */
  fact(event: MadeEvent): NewFact<'room_event'> {
    const place = ++this.#place;
    const at = ++this.#at;
    const pdu = this.#pdu(event, place, at);
    const eventId = asEventId(`$${hash('sha256', `${this.id} ${place}`, 'base64url')}`);
    const before = this.#state;
    if (event.state_key !== undefined) this.#state = before.set(event.type, event.state_key, eventId);
    const fact = eventFact({
      eventId,
      pdu,
      content: JSON.stringify(event.content),
      version: this.#version,
      place,
      before,
      after: this.#state,
      redacts: event.redacts,
      transaction: event.transaction,
    });
    this.eventIds.push(eventId);
    // `eventFact` makes facts of this type only; its result is the union of a room's.
    return { ...(fact as Pick<NewFact<'room_event'>, 'type' | 'value'>), key: this.id, at };
  }

  #pdu({ type, sender, content, state_key, redacts }: MadeEvent, depth: number, at: number): Pdu {
    const last = this.eventIds.at(-1);
    return {
      room_id: this.id,
      type,
      sender: asUserId(sender),
      ...(state_key === undefined ? {} : { state_key }),
      content: redacts === undefined ? content : { ...content, redacts },
      origin_server_ts: at,
      depth,
      prev_events: last === undefined ? [] : [last],
      auth_events: this.eventIds.slice(0, 3),
      hashes: { sha256: hash('sha256', `content ${depth}`, 'base64').slice(0, 43) },
      signatures: { localhost: { 'ed25519:auto': hash('sha512', `${depth}`, 'base64').slice(0, 86) } },
    };
  }
}

/** The same fact with another value in places: for facts that no owner would make. */
export function altered(
  fact: NewFact<'room_event'>,
  changes: Partial<NewFact<'room_event'>['value']>,
): AnyNewFact {
  return { ...fact, value: { ...fact.value, ...changes } };
}
