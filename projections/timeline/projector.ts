import { LRUCache } from 'lru-cache';
import type { RoomEventRecord } from '../../src/log/records.ts';
import { isNotifying, mentionsOf } from '../../src/matrix/notifying.ts';
import { redactJson } from '../../src/matrix/redaction.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import { textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Projector, ProjectorContext, Statement } from '../framework/model.ts';
import { type ParsedEvent, parsedEvent } from '../room-record.ts';
import {
  type EventRow,
  eventKinds,
  noRows,
  type Redaction,
  recordedAgain,
  type TimelineRows,
  type TimelineSql,
  timelineSql,
  writeRows,
} from './rows.ts';

/** Rooms of a partition whose numbers and ordinals are kept in memory: 200 KB, with 64 partitions 13 MB. */
const KEPT_ROOMS = 2_000;

interface KnownRoom {
  readonly room: number;
  readonly version: string;
  /** Notifying events so far. */
  ordinal: number;
}

interface StoredTarget {
  readonly event_id: string;
  readonly type: string;
  readonly content: string;
  readonly redacts: string | null;
  readonly version: string;
}

/** Turns the events of one partition into the rows of `timeline`. */
export class TimelineProjector implements Projector {
  readonly #context: ProjectorContext;
  readonly #sql: TimelineSql;
  readonly #rooms = new LRUCache<string, KnownRoom>({ max: KEPT_ROOMS });
  readonly #loadRooms: string;
  readonly #loadTargets: string;

  constructor(context: ProjectorContext) {
    const { schema } = context;
    this.#context = context;
    this.#sql = timelineSql(schema);
    this.#loadRooms = `SELECT r.room_id, r.room, r.version, coalesce((SELECT e.ordinal FROM ${schema}.events e
        WHERE e.room = r.room AND e.kind <= 1 AND e.ordinal IS NOT NULL ORDER BY e.place DESC LIMIT 1), 0)
        AS ordinal
      FROM ${schema}.rooms r WHERE r.room_id = ANY ($1::text[])`;
    this.#loadTargets = `SELECT e.event_id, e.type, e.content, e.redacts, r.version
      FROM ${schema}.events e JOIN ${schema}.rooms r USING (room) WHERE e.event_id = ANY ($1::text[])`;
  }

  async apply(records: readonly OpenedRecord[]): Promise<readonly Statement[]> {
    const rooms = await this.#roomsOf(records);
    const rows = noRows();
    const later = new Map<string, string>();
    for (const record of records) {
      if (record.fact?.type !== 'room_event') continue;
      const { value } = record.fact;
      const room = rooms.get(record.key) ?? this.#newRoom(record, value, rows, rooms);
      addEvent(rows, room, record, value);
      if (value.redacts === null || value.verdict !== 'accepted') continue;
      const target = rows.events.get(value.redacts);
      if (target === undefined) later.set(value.redacts, value.event_id);
      else redactRow(target, room.version, value.event_id, rows);
    }
    if (later.size > 0) rows.redactions.push(...(await this.#redactions(later)));
    return writeRows(this.#sql, rows);
  }

  forget(): void {
    this.#rooms.clear();
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
  ): KnownRoom {
    const { slots, partition } = this.#context;
    const room = { room: offset * slots + partition, version, ordinal: 0 };
    rows.rooms.push({ room: room.room, room_id: key, version });
    rooms.set(key, room);
    this.#rooms.set(key, room);
    return room;
  }

  /** Redactions of events that earlier batches have stored. */
  async #redactions(later: ReadonlyMap<string, string>): Promise<readonly Redaction[]> {
    const values = [textColumn([...later.keys()])];
    const targets = await this.#context.read<StoredTarget>({ text: this.#loadTargets, values });
    return targets.map((target) => ({
      event_id: target.event_id,
      ...whatIsLeft(target, target.version),
      redacted_by: later.get(target.event_id) ?? '',
    }));
  }
}

function addEvent(rows: TimelineRows, room: KnownRoom, record: OpenedRecord, value: RoomEventRecord): void {
  const parsed = parsedEvent(value);
  const { pdu } = parsed;
  const live = value.kind === 'event' && value.verdict === 'accepted';
  const notifies = live && isNotifying(pdu);
  if (notifies) room.ordinal++;
  const row = eventRow(room, record, value, parsed, live ? room.ordinal : null);
  const before = rows.events.get(value.event_id);
  rows.events.set(value.event_id, before === undefined ? row : recordedAgain(before, row));
  if (!live) return;
  const sender = `${room.room} ${pdu.sender}`;
  rows.senders.set(sender, { room: room.room, sender: pdu.sender, place: value.place });
  const mentions = mentionsOf(pdu);
  const mention = { room: room.room, place: value.place, notifies, sender: pdu.sender };
  for (const user_id of mentions.userIds) rows.mentions.push({ user_id, ...mention });
  if (mentions.room) rows.mentions.push({ user_id: '', ...mention });
}

function eventRow(
  { room }: KnownRoom,
  { offset, command }: OpenedRecord,
  value: RoomEventRecord,
  { pdu, content }: ParsedEvent,
  ordinal: number | null,
): EventRow {
  // The top bit says that a client may repeat the command (`src/owner/command-id.ts`).
  const repeatable = command !== undefined && (command[0] ?? 0) >= 0x80 ? command : undefined;
  return {
    room,
    place: value.place,
    log_offset: offset,
    ts: pdu.origin_server_ts,
    ordinal,
    kind: eventKinds[value.verdict === 'accepted' ? value.kind : value.verdict],
    has_url: typeof pdu.content['url'] === 'string',
    event_id: value.event_id,
    type: pdu.type,
    sender: pdu.sender,
    state_key: pdu.state_key ?? null,
    content,
    redacts: value.redacts ?? pdu.redacts ?? null,
    redacted_by: null,
    skeleton: pdu.state_key === undefined ? null : value.skeleton,
    device_id: value.transaction?.device_id ?? null,
    txn_id: value.transaction?.txn_id ?? null,
    scope: repeatable?.subarray(0, 8) ?? null,
    command: repeatable?.subarray(8) ?? null,
  };
}

function redactRow(row: EventRow, version: string, by: string, rows: TimelineRows): void {
  const left = whatIsLeft(row, version);
  row.content = left.content;
  row.redacts = left.redacts;
  row.redacted_by = by;
  row.has_url = false;
  const kept = rows.mentions.filter(({ room, place }) => room !== row.room || place !== row.place);
  rows.mentions.splice(0, rows.mentions.length, ...kept);
}

/** What redaction leaves of a stored event. */
function whatIsLeft(
  event: { readonly type: string; readonly content: string; readonly redacts: string | null },
  version: string,
): { readonly content: string; readonly redacts: string | null } {
  const rules = roomVersion(version);
  if (rules === undefined) return { content: '{}', redacts: null };
  const left = redactJson({ type: event.type, content: JSON.parse(event.content) }, rules);
  // Where `redacts` stands in the content it survives; where it is a key of the event it does not.
  return {
    content: JSON.stringify(left['content']),
    redacts: rules.redactsIn === 'content' ? event.redacts : null,
  };
}
