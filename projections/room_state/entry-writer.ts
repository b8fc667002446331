import type { Pdu } from '../../src/matrix/event.ts';
import type { StateChange } from '../../src/state/state-change.ts';
import { type EntryKey, entryKey, eventKey, type KnownRooms } from './known-rooms.ts';
import type { EntryRow, RoomRow, RoomStateRows } from './rows.ts';

/** Where in a room and on the log something begins to hold. */
export interface Since {
  readonly place: number;
  readonly offset: number;
}

interface PlannedChange extends EntryKey {
  readonly roomRow: RoomRow;
  readonly since: Since;
  readonly event_id: string | null;
}

interface KnownEvent {
  readonly room: number;
  readonly event_id: string;
  readonly value: string | null;
  readonly offset: number;
  /** Whether it stands in the state that its own record leaves. */
  entered: boolean;
}

/** Gathers the changes of a batch, then looks up in one read what of the past they need. */
export class EntryWriter {
  readonly #changes: PlannedChange[] = [];
  readonly #events = new Map<string, KnownEvent>();
  /** One for every record, also where an event is recorded again. */
  readonly #recorded: KnownEvent[] = [];

  /** Remembers a state event of the batch: its own change, or a later resolution, may put it into the state. */
  knowEvent({ room }: RoomRow, event_id: string, pdu: Pdu, offset: number): void {
    if (pdu.state_key === undefined) return;
    const value = entryValue(pdu);
    const event = { room, event_id, value, offset, entered: false };
    this.#events.set(eventKey(room, event_id), event);
    this.#recorded.push(event);
  }

  /** Plans the changes that one record makes. */
  change(roomRow: RoomRow, since: Since, changes: readonly StateChange[]): void {
    const { room } = roomRow;
    for (const { type, stateKey, after } of changes) {
      this.#changes.push({
        roomRow,
        room,
        since,
        type,
        state_key: stateKey,
        event_id: after ?? null,
      });
      const event = after === undefined ? undefined : this.#events.get(eventKey(room, after));
      // Not by a later record: rows must not depend on which records share a batch.
      if (event?.offset === since.offset) event.entered = true;
    }
  }

  /** Turns all of it into rows, and counts who is in the rooms. */
  async write(rows: RoomStateRows, known: KnownRooms): Promise<void> {
    const valued = this.#changes.filter(({ type }) => VALUED.has(type));
    const current = await known.currentValues(valued);
    const past = await known.eventValues(
      valued.flatMap((change) => (this.#isForeign(change) ? [{ ...change, event_id: change.event_id }] : [])),
    );
    const last = new Map<string, EntryRow>();
    for (const change of this.#changes) {
      const key = entryKey(change);
      const value = change.event_id === null ? null : this.#valueOf(change.room, change.event_id, past);
      const previous = current.get(key) ?? null;
      if (value === null) current.delete(key);
      else current.set(key, value);
      if (change.type === 'm.room.member') count(change.roomRow, previous, value);
      end(rows, last.get(key), change);
      last.set(key, addEntry(rows, change, value, previous));
    }
    for (const { room, event_id, value, entered } of this.#recorded) {
      if (!entered) rows.others.push({ room, event_id, value });
    }
  }

  #isForeign(change: PlannedChange): change is PlannedChange & { readonly event_id: string } {
    return change.event_id !== null && !this.#events.has(eventKey(change.room, change.event_id));
  }

  #valueOf(room: number, eventId: string, past: ReadonlyMap<string, string>): string | null {
    const key = eventKey(room, eventId);
    return this.#events.get(key)?.value ?? past.get(key) ?? null;
  }
}

/** Types of which a property of the content is kept with the entry. */
const VALUED: ReadonlyMap<string, string> = new Map([
  ['m.room.member', 'membership'],
  ['m.room.history_visibility', 'history_visibility'],
]);

function entryValue({ type, content }: Pdu): string | null {
  const property = VALUED.get(type);
  const value = property === undefined ? undefined : content[property];
  return typeof value === 'string' ? value : null;
}

function count(room: RoomRow, previous: string | null, value: string | null): void {
  if (previous === 'join') room.joined--;
  if (value === 'join') room.joined++;
  if (previous === 'invite') room.invited--;
  if (value === 'invite') room.invited++;
}

/** Ends what held so far: a row of this batch, or of an earlier one (if there is any). */
function end(rows: RoomStateRows, row: EntryRow | undefined, change: PlannedChange): void {
  const { room, type, state_key, since } = change;
  if (row === undefined) {
    rows.ends.push({ room, type, state_key, until_place: since.place, until_offset: since.offset });
  } else {
    row.until_place = since.place;
    row.until_offset = since.offset;
  }
}

function addEntry(
  rows: RoomStateRows,
  { room, type, state_key, since, event_id }: PlannedChange,
  value: string | null,
  previous: string | null,
): EntryRow {
  const row: EntryRow = {
    room,
    place: since.place,
    log_offset: since.offset,
    until_place: null,
    until_offset: null,
    type,
    state_key,
    event_id,
    value,
    previous,
  };
  rows.entries.push(row);
  return row;
}
