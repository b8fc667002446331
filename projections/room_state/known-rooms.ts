import { LRUCache } from 'lru-cache';
import { asEventId } from '../../src/matrix/identifiers.ts';
import { StateTree } from '../../src/state/state-tree.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { ProjectorContext } from '../framework/model.ts';
import type { RoomRow } from './rows.ts';

/** Rooms of a partition that are kept in memory: about a kilobyte each. */
const KEPT_ROOMS = 1_000;

/** Entries of all the trees of a partition that are kept: about 200 bytes each. */
const KEPT_ENTRIES = 50_000;

/** An entry whose `value` is asked for. */
export interface EntryKey {
  readonly room: number;
  readonly type: string;
  readonly state_key: string;
}

/** What a projector knows of the rooms of its partition: from memory, else from the rows it has made. */
export class KnownRooms {
  readonly #context: ProjectorContext;
  readonly #rooms = new LRUCache<string, RoomRow>({ max: KEPT_ROOMS });
  readonly #trees = new LRUCache<number, StateTree>({
    maxSize: KEPT_ENTRIES,
    sizeCalculation: (tree) => tree.size + 10,
  });
  readonly #sql: Readonly<Record<'rooms' | 'entries' | 'current' | 'events', string>>;

  constructor(context: ProjectorContext) {
    const { schema } = context;
    this.#context = context;
    this.#sql = {
      rooms: `SELECT room, place, log_offset, joined, invited, room_id, version, creator, root, extremities
        FROM ${schema}.rooms WHERE room_id = ANY ($1::text[])`,
      entries: `SELECT room, type, state_key, event_id FROM ${schema}.entries
        WHERE room = ANY ($1::int8[]) AND until_place IS NULL AND event_id IS NOT NULL`,
      current: `SELECT e.room, e.type, e.state_key, e.value FROM ${schema}.entries e
        JOIN unnest($1::int8[], $2::text[], $3::text[]) k(room, type, state_key)
          USING (room, type, state_key) WHERE e.until_place IS NULL AND e.value IS NOT NULL`,
      events: `SELECT e.room, e.event_id, e.value FROM ${schema}.entries e
        JOIN unnest($1::int8[], $2::text[], $3::text[], $4::text[]) k(room, type, state_key, event_id)
          USING (room, type, state_key, event_id) WHERE e.value IS NOT NULL
        UNION SELECT o.room, o.event_id, o.value FROM ${schema}.other_events o
        JOIN unnest($1::int8[], $2::text[], $3::text[], $4::text[]) k(room, type, state_key, event_id)
          USING (room, event_id) WHERE o.value IS NOT NULL`,
    };
  }

  /** Drops everything: what was changed in memory was not committed. */
  forget(): void {
    this.#rooms.clear();
    this.#trees.clear();
  }

  /** The rooms with these IDs that are known, as objects to be changed in place. */
  async rooms(roomIds: ReadonlySet<string>): Promise<Map<string, RoomRow>> {
    const found = new Map<string, RoomRow>();
    const missing: string[] = [];
    for (const id of roomIds) {
      const room = this.#rooms.get(id);
      if (room === undefined) missing.push(id);
      else found.set(id, room);
    }
    if (missing.length === 0) return found;
    type Stored = Omit<RoomRow, 'extremities'> & { readonly extremities: string };
    const values = [textColumn(missing)];
    for (const row of await this.#context.read<Stored>({ text: this.#sql.rooms, values })) {
      const room: RoomRow = { ...row, extremities: JSON.parse(row.extremities) }; // As `rows.ts` wrote it.
      found.set(room.room_id, room);
      this.#rooms.set(room.room_id, room);
    }
    return found;
  }

  /** Takes in a room that a record has made. */
  addRoom(room: RoomRow): void {
    this.#rooms.set(room.room_id, room);
    this.#trees.set(room.room, StateTree.empty);
  }

  /** The current states of rooms as trees; cold ones are read from their entries. */
  async trees(rooms: ReadonlySet<number>): Promise<Map<number, StateTree>> {
    const found = new Map<number, StateTree>();
    const missing: number[] = [];
    for (const room of rooms) {
      const tree = this.#trees.get(room);
      if (tree === undefined) missing.push(room);
      else found.set(room, tree);
    }
    if (missing.length === 0) return found;
    type Entry = EntryKey & { readonly event_id: string };
    const values = [int8Column(missing)];
    const entries = await this.#context.read<Entry>({ text: this.#sql.entries, values });
    const byRoom = Map.groupBy(entries, (entry) => entry.room);
    for (const room of missing) {
      const tree = StateTree.fromEntries(
        (byRoom.get(room) ?? []).map(({ type, state_key, event_id }) => ({
          type,
          stateKey: state_key,
          eventId: asEventId(event_id),
        })),
      );
      found.set(room, tree);
      this.setTree(room, tree);
    }
    return found;
  }

  /** The room's state after a batch. */
  setTree(room: number, tree: StateTree): void {
    this.#trees.set(room, tree);
  }

  /** The present `value` of entries, by `entryKey`; those without are left out. */
  async currentValues(keys: readonly EntryKey[]): Promise<Map<string, string>> {
    if (keys.length === 0) return new Map();
    const values = [
      int8Column(keys.map((key) => key.room)),
      textColumn(keys.map((key) => key.type)),
      textColumn(keys.map((key) => key.state_key)),
    ];
    type Entry = EntryKey & { readonly value: string };
    const found = await this.#context.read<Entry>({ text: this.#sql.current, values });
    return new Map(found.map((entry) => [entryKey(entry), entry.value]));
  }

  /** The `value` of state events that earlier records brought, by `eventKey`. */
  async eventValues(
    events: readonly (EntryKey & { readonly event_id: string })[],
  ): Promise<Map<string, string>> {
    if (events.length === 0) return new Map();
    const values = [
      int8Column(events.map((event) => event.room)),
      textColumn(events.map((event) => event.type)),
      textColumn(events.map((event) => event.state_key)),
      textColumn(events.map((event) => event.event_id)),
    ];
    type Found = { readonly room: number; readonly event_id: string; readonly value: string };
    const found = await this.#context.read<Found>({ text: this.#sql.events, values });
    return new Map(found.map(({ room, event_id, value }) => [eventKey(room, event_id), value]));
  }
}

/** One string for an entry of one room. */
export function entryKey({ room, type, state_key }: EntryKey): string {
  return `${room}\0${type}\0${state_key}`;
}

/** One string for an event of one room. */
export function eventKey(room: number, eventId: string): string {
  return `${room}\0${eventId}`;
}
