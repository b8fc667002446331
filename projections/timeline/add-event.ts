import type { RoomEventRecord } from '../../src/log/records.ts';
import { isNotifying, mentionsOf } from '../../src/matrix/notifying.ts';
import { mayReplace, relationOf, type ThreadPlace } from '../../src/matrix/relations.ts';
import type { OpenedRecord } from '../framework/model.ts';
import { isInTimeline, isLive, type ParsedEvent, parsedEvent } from '../room-record.ts';
import { type EventRow, eventKinds, recordedAgain, type TimelineRows } from './rows.ts';
import type { BatchThreads } from './thread-index.ts';

/** What a projector knows of a room. */
export interface KnownRoom {
  readonly room: number;
  readonly version: string;
  /** Notifying events of the main timeline so far. */
  ordinal: number;
}

/** Where an event goes. */
interface Into {
  readonly rows: TimelineRows;
  readonly room: KnownRoom;
  readonly threads: BatchThreads;
}

/** Adds an event to the rows of a batch. */
export function addEvent(into: Into, record: OpenedRecord, value: RoomEventRecord): void {
  const { rows, room, threads } = into;
  const event = parsedEvent(value);
  const inTimeline = isInTimeline(value);
  const place = inTimeline ? threads.place(room.room, value.event_id, event.pdu.content) : undefined;
  const row = eventRow(into, record, value, { event, place });
  const before = rows.events.get(value.event_id);
  rows.events.set(value.event_id, before === undefined ? row : recordedAgain(before, row));
  const isRedacted = typeof before?.redacted_by === 'string';
  if (inTimeline && !isRedacted) addRelation(rows, row, event.pdu);
  if (isLive(value)) addReading(rows, row, event.pdu, isRedacted);
}

/** Counts the event. @returns the ordinals of the main timeline and of its thread, up to and with it, if it counts. */
function ordinalsOf(
  { room, threads }: Into,
  value: RoomEventRecord,
  pdu: ParsedEvent['pdu'],
  place: ThreadPlace | undefined,
): Pick<EventRow, 'ordinal' | 'thread_ordinal' | 'notifies'> {
  if (!isLive(value)) return { ordinal: null, thread_ordinal: null, notifies: false };
  const notifies = isNotifying(pdu);
  if (place !== undefined) {
    const thread_ordinal = threads.count(room.room, place.thread, notifies);
    return { ordinal: room.ordinal, thread_ordinal, notifies };
  }
  if (notifies) room.ordinal += 1;
  return { ordinal: room.ordinal, thread_ordinal: null, notifies };
}

function eventRow(
  into: Into,
  { offset, command }: OpenedRecord,
  value: RoomEventRecord,
  { event, place }: { readonly event: ParsedEvent; readonly place: ThreadPlace | undefined },
): EventRow {
  const { pdu, content } = event;
  // The top bit says that a client may repeat the command (`src/owner/command-id.ts`).
  const repeatable = command !== undefined && (command[0] ?? 0) >= 0x80 ? command : undefined;
  return {
    room: into.room.room,
    place: value.place,
    log_offset: offset,
    ts: pdu.origin_server_ts,
    ...ordinalsOf(into, value, pdu, place),
    kind: eventKinds[value.verdict === 'accepted' ? value.kind : value.verdict],
    hops: place?.hops ?? null,
    has_url: Object.hasOwn(pdu.content, 'url'),
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
    thread: place?.thread ?? null,
  };
}

/** What the event says of another. */
function addRelation(rows: TimelineRows, row: EventRow, pdu: ParsedEvent['pdu']): void {
  const relation = relationOf(pdu.content);
  if (relation === undefined) return;
  const { rel_type, event_id: parent, key = null } = relation;
  const { room, place, ts, event_id, sender, type } = row;
  const child = { room, place, ts, event_id, sender, type };
  rows.relations.set(event_id, { ...child, replaces: mayReplace(pdu), parent, rel_type, key });
}

/** What counting needs: that its sender has read so far, that its thread goes on, whom it mentions. */
function addReading(rows: TimelineRows, row: EventRow, pdu: ParsedEvent['pdu'], isRedacted: boolean): void {
  const { room, place, sender, thread, notifies } = row;
  const own = `${room} ${sender} ${thread ?? ''}`;
  rows.senders.set(own, { room, sender, place, thread: thread ?? '' });
  if (notifies && thread !== null) rows.threads.set(`${room} ${thread}`, { room, thread, place });
  if (isRedacted) return;
  const mentions = mentionsOf(pdu);
  const mention = { room, place, notifies, sender, thread };
  for (const user_id of mentions.userIds) rows.mentions.push({ user_id, ...mention });
  if (mentions.room) rows.mentions.push({ user_id: '', ...mention });
  if (mentions.everyone) rows.mentions.push({ user_id: '*', ...mention });
}
