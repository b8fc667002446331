import type { Records, RoomEventRecord } from '../../src/log/records.ts';
import type { Pdu } from '../../src/matrix/event.ts';
import { hashForReferences, prevEventIds } from '../../src/matrix/event-format.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import { rootBytes } from '../../src/state/root.ts';
import { EMPTY_ROOT, StateTree } from '../../src/state/state-tree.ts';
import type { OpenedRecord, Projector, ProjectorContext, Statement } from '../framework/model.ts';
import { isLive, parsedEvent } from '../room-record.ts';
import { EntryWriter } from './entry-writer.ts';
import { KnownRooms } from './known-rooms.ts';
import {
  noRows,
  type RoomRow,
  type RoomStateRows,
  type RoomStateSql,
  roomStateSql,
  writeRows,
} from './rows.ts';
import { assertSameRoot, newState } from './state-step.ts';

/** Turns the records of one partition into the rows of `room_state`. */
export class RoomStateProjector implements Projector {
  readonly #context: ProjectorContext;
  readonly #sql: RoomStateSql;
  readonly #known: KnownRooms;

  constructor(context: ProjectorContext) {
    this.#context = context;
    this.#sql = roomStateSql(context.schema);
    this.#known = new KnownRooms(context);
  }

  async apply(records: readonly OpenedRecord[]): Promise<readonly Statement[]> {
    const rooms = await this.#known.rooms(new Set(records.map(({ key }) => key)));
    const trees = await this.#known.trees(changing(records, rooms));
    const batch: Batch = { rooms, trees, rows: noRows(), writer: new EntryWriter() };
    for (const record of records) this.#applyOne(batch, record);
    await batch.writer.write(batch.rows, this.#known);
    for (const [room, tree] of trees) this.#known.setTree(room, tree);
    return writeRows(this.#sql, batch.rows);
  }

  forget(): void {
    this.#known.forget();
  }

  #applyOne(batch: Batch, record: OpenedRecord): void {
    switch (record.fact?.type) {
      case 'room_event':
        this.#applyEvent(batch, record, record.fact.value);
        break;
      case 'room_forgotten':
        forget(batch, record.key, record.fact.value.user_id);
        break;
      case 'saga_started':
        this.#startSaga(batch.rows, record, record.fact.value);
        break;
      case 'saga_ended':
        endSaga(batch.rows, record.fact.value.saga);
        break;
      default:
        break;
    }
  }

  #applyEvent(batch: Batch, record: OpenedRecord, value: RoomEventRecord): void {
    const { pdu } = parsedEvent(value);
    const room = batch.rooms.get(record.key) ?? this.#newRoom(batch, record, value);
    room.log_offset = record.offset;
    batch.rows.rooms.set(room.room, room);
    if (value.verdict !== 'rejected') {
      batch.writer.knowEvent(room, value.event_id, pdu, record.offset);
    }
    if (!isLive(value)) return;
    if (pdu.type === 'm.room.create') room.creator = pdu.sender;
    room.place = Math.max(room.place, value.place);
    room.extremities = extremitiesAfter(room, value.event_id, pdu);
    const reference = value.current ?? value.after;
    if (reference === null) {
      assertSameRoot(record.offset, room.root, value.before.root);
      return;
    }
    const tree = batch.trees.get(room.room);
    if (tree === undefined) throw new Error('the tree of a room that changes was not loaded');
    const step = newState(record.offset, tree, reference);
    batch.trees.set(room.room, step.tree);
    room.root = rootBytes(step.tree.root);
    batch.writer.change(room, { place: value.place, offset: record.offset }, step.changes);
  }

  #newRoom(batch: Batch, { key, offset }: OpenedRecord, value: RoomEventRecord): RoomRow {
    const { slots, partition } = this.#context;
    const room: RoomRow = {
      room: offset * slots + partition,
      place: 0,
      log_offset: offset,
      joined: 0,
      invited: 0,
      room_id: key,
      version: value.room_version,
      creator: '',
      root: rootBytes(EMPTY_ROOT),
      extremities: [],
    };
    this.#known.addRoom(room);
    batch.rooms.set(key, room);
    batch.trees.set(room.room, StateTree.empty);
    return room;
  }

  #startSaga(rows: RoomStateRows, record: OpenedRecord, value: Records['saga_started']): void {
    rows.sagas.set(value.saga, {
      saga: value.saga,
      partition: this.#context.partition,
      log_offset: record.offset,
      room_id: record.key,
      alias: value.alias,
      command: value.sealed,
    });
  }
}

interface Batch {
  readonly rooms: Map<string, RoomRow>;
  /** The trees of rooms whose state changes in the batch. */
  readonly trees: Map<number, StateTree>;
  readonly rows: RoomStateRows;
  readonly writer: EntryWriter;
}

function extremitiesAfter(room: RoomRow, eventId: string, pdu: Pdu): RoomRow['extremities'] {
  const previous = new Set<string>(prevEventIds(pdu));
  const version = roomVersion(room.version);
  const hash = version === undefined ? undefined : hashForReferences(version, pdu);
  return [
    ...room.extremities.filter(([id]) => !previous.has(id)),
    hash === undefined ? [eventId, pdu.depth] : [eventId, pdu.depth, hash],
  ];
}

/** Nobody can forget a room that was never there: what knows no room says nothing. */
function forget({ rooms, rows }: Batch, roomId: string, user_id: string): void {
  const known = rooms.get(roomId);
  if (known === undefined) return;
  const { room, place } = known;
  rows.forgotten.set(`${room} ${user_id}`, { room, user_id, place });
}

/** A saga that begins and ends in one batch leaves nothing. */
function endSaga(rows: RoomStateRows, saga: string): void {
  if (!rows.sagas.delete(saga)) rows.endedSagas.push(saga);
}

/** Known rooms whose state some record of the batch changes: plain messages need no tree. */
function changing(records: readonly OpenedRecord[], rooms: ReadonlyMap<string, RoomRow>): Set<number> {
  const found = new Set<number>();
  for (const { key, fact } of records) {
    if (fact?.type !== 'room_event' || (fact.value.current ?? fact.value.after) === null) continue;
    const room = rooms.get(key);
    if (room !== undefined) found.add(room.room);
  }
  return found;
}
