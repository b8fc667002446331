import type { RoomEventRecord } from '../../src/log/records.ts';
import { asEventId, asRoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { isNotifying, mentionsOf } from '../../src/matrix/notifying.ts';
import type { PowerLevels } from '../../src/matrix/power-levels.ts';
import { type Relation, relationOf, type ThreadPlace, threadOf } from '../../src/matrix/relations.ts';
import type { OpenedRecord } from '../framework/model.ts';
import { isLive, parsedEvent } from '../room-record.ts';
import { whatIsLeft } from '../timeline/redact-row.ts';
import type { SyncEvent } from './sync-event.ts';

/** An event of the tail: what a sync shows, and what counting needs. */
export interface TailEvent {
  /** Another object once the event was redacted, or once it is known what state it replaced. */
  event: SyncEvent;
  readonly offset: number;
  /** Whether it counts as a notification for those who did not send it, mentioned or not. Not once it was redacted. */
  notifies: boolean;
  mentions: ReadonlySet<string>;
  /** Whether it says that it mentions the whole room. */
  mentionsRoom: boolean;
  /** Whether it is highlighted for everybody, whoever sends it: the room's tombstone. */
  mentionsEveryone: boolean;
  /** What it says of its parent, as it came: in which thread it is does not change with a redaction. */
  readonly relation: Relation | undefined;
  /** Its thread; undefined in the main timeline, and where that is not known yet. */
  thread: ThreadPlace | undefined;
  /** False when its parent is older than the window, and nobody has had to know. */
  threadKnown: boolean;
  /** Whether its sender may mention everybody, once somebody had to know. */
  roomMentionCounts?: boolean;
  /** `membership` of a member event. */
  readonly membership: string | undefined;
  readonly version: string;
  /** Whether `event` says what state it replaced, or there is nothing to say. */
  replacedKnown: boolean;
}

const NOBODY: ReadonlySet<string> = new Set();

/** The event of a live, accepted record; undefined for every other. */
export function tailEvent(opened: OpenedRecord, record: RoomEventRecord): TailEvent | undefined {
  if (!isLive(record)) return undefined;
  const { pdu, content } = parsedEvent(record);
  const { userIds, room, everyone } = mentionsOf(pdu);
  const membership = pdu.content['membership'];
  const relation = relationOf(pdu.content);
  const thread = threadOf(relation, undefined);
  return {
    event: {
      room_id: asRoomId(opened.key),
      event_id: asEventId(record.event_id),
      type: pdu.type,
      sender: pdu.sender,
      state_key: pdu.state_key ?? null,
      origin_server_ts: pdu.origin_server_ts,
      content,
      redacts: record.redacts === null ? (pdu.redacts ?? null) : asEventId(record.redacts),
      place: record.place,
      log_offset: opened.offset,
      transaction: record.transaction,
    },
    offset: opened.offset,
    notifies: isNotifying(pdu),
    mentions: userIds.length === 0 ? NOBODY : new Set<string>(userIds),
    mentionsRoom: room,
    mentionsEveryone: everyone,
    relation,
    thread,
    threadKnown: relation === undefined || thread !== undefined,
    membership: pdu.type === 'm.room.member' && typeof membership === 'string' ? membership : undefined,
    version: record.room_version,
    replacedKnown: pdu.state_key === undefined,
  };
}

/** Changes an event into what `redaction` leaves of it. */
export function redactTailEvent(target: TailEvent, redaction: SyncEvent): void {
  const { event } = target;
  target.event = { ...event, ...whatIsLeft(event, target.version), redacted_because: redaction };
  target.notifies = false;
  target.mentions = NOBODY;
  target.mentionsRoom = false;
  target.mentionsEveryone = false;
}

/** Whether the event may count for those who have not sent it. */
export function matters(event: TailEvent): boolean {
  return event.notifies || hasMentions(event);
}

function hasMentions(event: TailEvent): boolean {
  return event.mentionsRoom || event.mentionsEveryone || event.mentions.size > 0;
}

/**
 * Whether the event is highlighted for the user. Only to be asked when `roomMentionCounts` is known where
 * `mentionsRoom` is set.
 */
export function highlights(event: TailEvent, user: UserId): boolean {
  const { mentions, mentionsRoom, mentionsEveryone, roomMentionCounts } = event;
  return mentionsEveryone || mentions.has(user) || (mentionsRoom && roomMentionCounts === true);
}

/**
 * Power levels that tell nothing but whether the event's sender may mention the room. Only to be asked when that is
 * known, where `mentionsRoom` is set.
 */
export function mentionLevels({ roomMentionCounts }: TailEvent): PowerLevels {
  const level = roomMentionCounts === true ? 1 : 0;
  return { of: () => level, required: () => 0, notification: () => 1, invite: 0, kick: 0, ban: 0, redact: 0 };
}
