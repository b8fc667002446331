import type { RoomEventRecord } from '../../src/log/records.ts';
import type { Pdu } from '../../src/matrix/event.ts';
import { asEventId, asRoomId, type EventId, type UserId } from '../../src/matrix/identifiers.ts';
import { isNotifying, mentionsOf } from '../../src/matrix/notifying.ts';
import { redact } from '../../src/matrix/redaction.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import type { OpenedRecord } from '../framework/model.ts';
import type { SyncEvent } from './sync-event.ts';

/** An event of the tail: what a sync shows, and what counting needs. */
export interface TailEvent {
  event: SyncEvent;
  readonly offset: number;
  /** Whether it counts as a notification for those who did not send it. */
  readonly notifies: boolean;
  readonly mentions: ReadonlySet<string>;
  readonly mentionsRoom: boolean;
  /** `membership` of a member event. */
  readonly membership: string | undefined;
  readonly pdu: Pdu;
  readonly version: string;
  /** The event that held the same state before, once somebody has asked for it. */
  replaced?: { readonly event_id: EventId; readonly content: string } | null;
}

/** The event of a live, accepted record; undefined for every other. */
export function tailEvent(opened: OpenedRecord, record: RoomEventRecord): TailEvent | undefined {
  if (record.verdict !== 'accepted' || record.kind !== 'event') return undefined;
  const skeleton: Pdu = JSON.parse(record.skeleton);
  const pdu: Pdu = record.sealed === null ? skeleton : { ...skeleton, ...JSON.parse(record.sealed) };
  const mentions = mentionsOf(pdu);
  const membership = pdu.content['membership'];
  return {
    event: {
      room_id: asRoomId(opened.key),
      event_id: asEventId(record.event_id),
      type: pdu.type,
      sender: pdu.sender,
      state_key: pdu.state_key ?? null,
      origin_server_ts: pdu.origin_server_ts,
      content: contentText(record, pdu),
      redacts: record.redacts === null ? null : asEventId(record.redacts),
      place: record.place,
      transaction: record.transaction,
    },
    offset: opened.offset,
    notifies: isNotifying(pdu),
    mentions: new Set<string>(mentions.userIds),
    mentionsRoom: mentions.room,
    membership: pdu.type === 'm.room.member' && typeof membership === 'string' ? membership : undefined,
    pdu,
    version: record.room_version,
  };
}

/** The event once `redaction` has redacted it. */
export function redacted(target: TailEvent, redaction: SyncEvent): SyncEvent {
  const version = roomVersion(target.version);
  const content = version === undefined ? {} : redact(target.pdu, version).content;
  return { ...target.event, content: JSON.stringify(content), redacted_because: redaction };
}

/** The content as it came; the sealed JSON begins with it (`{"content":…`). */
function contentText(record: RoomEventRecord, pdu: Pdu): string {
  const { sealed } = record;
  const start = '{"content":';
  if (sealed?.startsWith(`${start}{`) && pdu.redacts === undefined) return sealed.slice(start.length, -1);
  return JSON.stringify(pdu.content);
}

/** Whether an event mentions a user, for the count of highlights. */
export function highlights(event: TailEvent, userId: UserId): boolean {
  return event.event.sender !== userId && (event.mentionsRoom || event.mentions.has(userId));
}
