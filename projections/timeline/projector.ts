import { LRUCache } from 'lru-cache';
import type { RoomEventRecord } from '../../src/log/records.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Projector, ProjectorContext, Statement } from '../framework/model.ts';
import { addEvent, type KnownRoom } from './add-event.ts';
import { redactRow, relationOfRow, whatIsLeft } from './redact-row.ts';
import { noRows, type TimelineRows } from './rows.ts';
import { ThreadIndex } from './thread-index.ts';
import { type TimelineSql, timelineSql, writeRows } from './write-rows.ts';

/** Rooms of a partition whose numbers and ordinals are kept in memory: 200 KB, with 64 partitions 13 MB. */
const KEPT_ROOMS = 2_000;

interface StoredTarget {
  readonly event_id: string;
  readonly type: string;
  readonly content: string;
  readonly redacts: string | null;
  readonly version: string;
  readonly redacted_by: string;
}

/** A redaction of what is not in its batch. */
interface LaterRedaction {
  readonly room: number;
  readonly event_id: string;
  readonly redacted_by: string;
}

/** Turns the events of one partition into the rows of `timeline`. */
export class TimelineProjector implements Projector {
  readonly #context: ProjectorContext;
  readonly #sql: TimelineSql;
  readonly #rooms = new LRUCache<string, KnownRoom>({ max: KEPT_ROOMS });
  readonly #loadRooms: string;
  readonly #loadTargets: string;
  readonly #threads: ThreadIndex;

  constructor(context: ProjectorContext) {
    const { schema } = context;
    this.#context = context;
    this.#sql = timelineSql(schema);
    this.#threads = new ThreadIndex(context);
    this.#loadRooms = `SELECT r.room_id, r.room, r.version, coalesce((SELECT e.ordinal FROM ${schema}.events e
        WHERE e.room = r.room AND e.kind <= 1 AND e.ordinal IS NOT NULL ORDER BY e.place DESC LIMIT 1), 0)
        AS ordinal
      FROM ${schema}.rooms r WHERE r.room_id = ANY ($1::text[])`;
    // Only of the same room: what another partition has written must not matter.
    this.#loadTargets = `SELECT e.event_id, e.type, e.content, e.redacts, r.version, a.redacted_by
      FROM unnest($1::int8[], $2::text[], $3::text[]) a(room, event_id, redacted_by)
      JOIN ${schema}.events e ON e.event_id = a.event_id AND e.room = a.room
      JOIN ${schema}.rooms r ON r.room = e.room`;
  }

  async apply(records: readonly OpenedRecord[]): Promise<readonly Statement[]> {
    const rooms = await this.#roomsOf(records);
    const rows = noRows();
    for (const record of records) {
      if (record.fact?.type !== 'room_event' || rooms.has(record.key)) continue;
      this.#newRoom(record, record.fact.value, rows, rooms);
    }
    const threads = await this.#threads.ofBatch(records, (roomId) => rooms.get(roomId)?.room);
    const later = new Map<string, LaterRedaction>();
    for (const record of records) {
      const room = rooms.get(record.key);
      if (record.fact?.type !== 'room_event' || room === undefined) continue;
      const { value } = record.fact;
      addEvent({ rows, room, threads }, record, value);
      if (value.redacts === null || value.verdict !== 'accepted') continue;
      const target = rows.events.get(value.redacts);
      if (target?.room === room.room) redactRow(target, room.version, value.event_id, rows);
      else
        later.set(`${room.room} ${value.redacts}`, {
          room: room.room,
          event_id: value.redacts,
          redacted_by: value.event_id,
        });
    }
    if (later.size > 0) await this.#redact([...later.values()], rows);
    return writeRows(this.#sql, rows);
  }

  forget(): void {
    this.#rooms.clear();
    this.#threads.forget();
  }

  /** The rooms of the batch that are known; held here too, since a large batch may push them out of the cache. */
  async #roomsOf(records: readonly OpenedRecord[]): Promise<Map<string, KnownRoom>> {
    const rooms = new Map<string, KnownRoom>();
    const missing = new Set<string>();
    for (const { key } of records) {
      if (rooms.has(key) || missing.has(key)) continue;
      const room = this.#rooms.get(key);
      if (room === undefined) missing.add(key);
      else rooms.set(key, room);
    }
    if (missing.size === 0) return rooms;
    const values = [textColumn([...missing])];
    const found = await this.#context.read<KnownRoom & { room_id: string }>({
      text: this.#loadRooms,
      values,
    });
    for (const { room_id, room, version, ordinal } of found) {
      const known = { room, version, ordinal };
      rooms.set(room_id, known);
      this.#rooms.set(room_id, known);
    }
    return rooms;
  }

  #newRoom(
    { key, offset }: OpenedRecord,
    { room_version: version }: RoomEventRecord,
    rows: TimelineRows,
    rooms: Map<string, KnownRoom>,
  ): void {
    const { slots, partition } = this.#context;
    const room = { room: offset * slots + partition, version, ordinal: 0 };
    rows.rooms.push({ room: room.room, room_id: key, version });
    rooms.set(key, room);
    this.#rooms.set(key, room);
  }

  /** Redactions of events that earlier batches have stored. */
  async #redact(redactions: readonly LaterRedaction[], rows: TimelineRows): Promise<void> {
    const values = [
      int8Column(redactions.map(({ room }) => room)),
      textColumn(redactions.map(({ event_id }) => event_id)),
      textColumn(redactions.map(({ redacted_by }) => redacted_by)),
    ];
    const targets = await this.#context.read<StoredTarget>({ text: this.#loadTargets, values });
    for (const target of targets) {
      const { event_id, redacted_by } = target;
      rows.redactions.push({ event_id, ...whatIsLeft(target, target.version), redacted_by });
      rows.broken.push(...relationOfRow(target));
    }
  }
}
