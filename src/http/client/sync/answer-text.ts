import type { ToldPresence } from '../../../../projections/sync/presence-sync.ts';
import { sumOf, type ThreadsUnread, type Unread } from '../../../../projections/sync/reading.ts';
import type {
  JoinedRoom,
  LeftRoom,
  StrippedRoom,
  SyncAnswer,
} from '../../../../projections/sync/sync-answer.ts';
import { membershipAt } from '../../../../projections/sync/sync-answer.ts';
import type { Receipt, SyncEvent } from '../../../../projections/sync/sync-event.ts';
import { MAIN_THREAD } from '../../../matrix/relations.ts';
import { roomlessEventText, type Viewer } from '../../event-text.ts';
import { placeToken } from '../../page-token.ts';
import { presenceContent } from '../../presence-content.ts';
import type { Session } from '../../reads/account-reads.ts';
import { fieldSelection } from './event-fields.ts';

/** How an answer is printed. */
interface Printing {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** State is as of the end of the timeline, under `state_after`. */
  readonly stateAfter: boolean;
  /** Whether the answer goes on from an earlier one. */
  readonly incremental: boolean;
  /** Unread counts are told thread by thread. */
  readonly threadCounts: boolean;
  /** The paths of the fields of room events that are wanted; undefined: all. */
  readonly eventFields: readonly (readonly string[])[] | undefined;
  /** Room events that are printed otherwise than for clients, by their ID. */
  readonly texts?: ReadonlyMap<string, string> | undefined;
  /** `prev_batch` of a timeline whose place is not known. */
  readonly nextBatch: string;
}

/** The answer of a sync as JSON text: contents are joined as they stand, none is parsed or printed again. */
export function answerText(
  answer: SyncAnswer,
  session: Session,
  options: Omit<Printing, 'nextBatch'>,
): string {
  const printer = new Printer(session, { ...options, nextBatch: answer.next_batch });
  const { join, invite, knock, leave, next_batch } = answer;
  return (
    `{"next_batch":${JSON.stringify(next_batch)},"account_data":${bareList(answer.account_data)},` +
    `"presence":${list(answer.presence.map((one) => presenceText(one, options.now)))},` +
    '"to_device":{"events":[]},' +
    // Only on an incremental sync (spec: client-server API, end-to-end encryption, "Extensions to /sync").
    (options.incremental ? '"device_lists":{"changed":[],"left":[]},' : '') +
    '"device_one_time_keys_count":{},"device_unused_fallback_key_types":[],' +
    `"rooms":{"join":${byRoom(join, (room) => printer.joined(room))},` +
    `"invite":${byRoom(invite, (room) => `{"invite_state":${strippedText(room)}}`)},` +
    `"knock":${byRoom(knock, (room) => `{"knock_state":${strippedText(room)}}`)},` +
    `"leave":${byRoom(leave, (room) => printer.left(room))}}}`
  );
}

/** `m.presence`. @param now milliseconds since the epoch. */
export function presenceText({ profile_fields, ...presence }: ToldPresence, now: number): string {
  const content = JSON.stringify({ ...presenceContent(presence, now), ...profile_fields });
  return `{"type":"m.presence","sender":${JSON.stringify(presence.user_id)},"content":${content}}`;
}

/** For whom the events of a room in a sync are printed. */
export function viewerOf({ memberships }: JoinedRoom | LeftRoom, session: Session): Viewer {
  return { ...session, membershipAt: ({ place }) => membershipAt(memberships, place) };
}

class Printer {
  private readonly session: Session;
  private readonly options: Printing;
  private readonly select: ((event: string) => string) | undefined;

  constructor(session: Session, options: Printing) {
    this.session = session;
    this.options = options;
    this.select = options.eventFields && fieldSelection(options.eventFields);
  }

  joined(room: JoinedRoom): string {
    const { summary, unread } = room;
    return (
      `{${this.events(room)},` +
      `"ephemeral":${bareList(ephemeral(room))},"account_data":${bareList(room.account_data)}` +
      (summary === undefined ? '' : `,"summary":${summaryText(summary)}`) +
      (unread === undefined ? '' : this.unread(unread)) +
      '}'
    );
  }

  left(room: LeftRoom): string {
    return `{${this.events(room)},"account_data":${bareList(room.account_data)}}`;
  }

  private unread(threads: ThreadsUnread): string {
    if (!this.options.threadCounts) return `,"unread_notifications":${countText(sumOf(threads))}`;
    const others = [...threads].filter(([thread]) => thread !== MAIN_THREAD);
    const texts = others.map(([thread, counts]) => `${JSON.stringify(thread)}:${countText(counts)}`);
    const main = threads.get(MAIN_THREAD) ?? { notification_count: 0, highlight_count: 0 };
    return `,"unread_notifications":${countText(main)},"unread_thread_notifications":{${texts.join(',')}}`;
  }

  /** State and timeline. */
  private events(room: JoinedRoom | LeftRoom): string {
    const { state, timeline } = room;
    const viewer = viewerOf(room, this.session);
    const print = (event: SyncEvent): string => {
      const text =
        this.options.texts?.get(event.event_id) ?? roomlessEventText(event, viewer, this.options.now);
      return this.select === undefined ? text : this.select(text);
    };
    const { prevPlace, limited } = timeline;
    const before = prevPlace === undefined ? this.options.nextBatch : placeToken(prevPlace);
    return (
      `"${this.options.stateAfter ? 'state_after' : 'state'}":${list(state.map(print))},` +
      `"timeline":{"events":[${timeline.events.map(print).join(',')}],"limited":${limited},` +
      `"prev_batch":${JSON.stringify(before)}}`
    );
  }
}

function countText({ notification_count, highlight_count }: Unread): string {
  return `{"notification_count":${notification_count},"highlight_count":${highlight_count}}`;
}

function byRoom<R extends { readonly room_id: string }>(
  rooms: readonly R[],
  text: (room: R) => string,
): string {
  return `{${rooms.map((room) => `${JSON.stringify(room.room_id)}:${text(room)}`).join(',')}}`;
}

function list(events: readonly string[]): string {
  return `{"events":[${events.join(',')}]}`;
}

function bareList(bares: readonly Bare[]): string {
  return list(bares.map((one) => bareText(one)));
}

function summaryText({ joined, invited, heroes }: NonNullable<JoinedRoom['summary']>): string {
  return JSON.stringify({
    'm.heroes': heroes,
    'm.joined_member_count': joined,
    'm.invited_member_count': invited,
  });
}

/** What is no event of a room's history: its type, and its content as JSON text. */
export interface Bare {
  readonly type: string;
  readonly content: string;
}

/** The same as JSON text, with its room where it is about one. */
export function bareText({ type, content }: Bare, roomId?: string): string {
  const room = roomId === undefined ? '' : `"room_id":${JSON.stringify(roomId)},`;
  return `{"type":${JSON.stringify(type)},${room}"content":${content}}`;
}

/** Who types in a room, and the receipts in it, where there is anything to say of them. */
export function ephemeral({ typing, receipts }: JoinedRoom): readonly Bare[] {
  const events: Bare[] = [];
  if (typing !== undefined) events.push({ type: 'm.typing', content: JSON.stringify({ user_ids: typing }) });
  if (receipts.length > 0) events.push({ type: 'm.receipt', content: receiptContent(receipts) });
  return events;
}

/** `m.receipt`: by event, then type, then user. A map, since an ID may be `__proto__` for all we know. */
function receiptContent(receipts: readonly Receipt[]): string {
  const events = new Map<string, Map<string, string[]>>();
  for (const { event_id, receipt_type, user_id, ts, thread_id } of receipts) {
    const types = events.get(event_id) ?? new Map<string, string[]>();
    const users = types.get(receipt_type) ?? [];
    const thread = thread_id === null ? {} : { thread_id };
    users.push(`${JSON.stringify(user_id)}:${JSON.stringify({ ts, ...thread })}`);
    events.set(event_id, types.set(receipt_type, users));
  }
  const ofEvent = (types: ReadonlyMap<string, readonly string[]>): string =>
    [...types].map(([type, users]) => `${JSON.stringify(type)}:{${users.join(',')}}`).join(',');
  return `{${[...events].map(([id, types]) => `${JSON.stringify(id)}:{${ofEvent(types)}}`).join(',')}}`;
}

function strippedText({ events }: StrippedRoom): string {
  return list(
    events.map(
      ({ type, state_key, sender, content }) =>
        `{"type":${JSON.stringify(type)},"state_key":${JSON.stringify(state_key ?? '')},` +
        `"sender":${JSON.stringify(sender)},"content":${content}}`,
    ),
  );
}
