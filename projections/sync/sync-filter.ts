import type { RoomId } from '../../src/matrix/identifiers.ts';
import { isJsonObject } from '../../src/matrix/json.ts';
import { parsePropertyPath } from '../../src/matrix/property-path.ts';

/** EventFilter and RoomEventFilter of the spec, as far as a sync heeds them. */
export interface EventFilter {
  readonly limit?: number;
  /** `*` matches any run of characters. */
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
  readonly rooms?: readonly string[];
  readonly not_rooms?: readonly string[];
  readonly contains_url?: boolean;
  readonly lazy_load_members?: boolean;
  readonly include_redundant_members?: boolean;
  readonly unread_thread_notifications?: boolean;
}

/** A filter as clients give it (spec: client-server API, "Filtering"). */
export interface SyncFilter {
  /** Dot-separated paths. */
  readonly event_fields?: readonly string[];
  readonly event_format?: 'client' | 'federation';
  readonly presence?: EventFilter;
  readonly account_data?: EventFilter;
  readonly room?: {
    readonly rooms?: readonly string[];
    readonly not_rooms?: readonly string[];
    readonly include_leave?: boolean;
    readonly timeline?: EventFilter;
    readonly state?: EventFilter;
    readonly ephemeral?: EventFilter;
    readonly account_data?: EventFilter;
  };
}

/** What a selection looks at. */
export interface Selectable {
  readonly type: string;
  readonly sender?: string;
  /** Null for what is no state event. */
  readonly state_key?: string | null;
  readonly room_id?: RoomId | null;
  /** JSON of an object. */
  readonly content?: string;
}

/** Events of a timeline where the filter does not say. */
const DEFAULT_LIMIT = 10;
/** More in one room of one answer costs memory and helps nobody. */
const MAX_LIMIT = 1_000;

const NOBODY: ReadonlySet<string> = new Set();

/** Which events are wanted: an EventFilter made ready. */
export class EventSelection {
  readonly filter: EventFilter;
  /** Senders of whom only state events are wanted (spec: "Ignoring Users"). */
  readonly ignored: ReadonlySet<string>;
  /** True when nothing is left out. */
  readonly all: boolean;
  private readonly senders: ReadonlySet<string> | undefined;
  private readonly notSenders: ReadonlySet<string>;
  private readonly rooms: (roomId: RoomId) => boolean;

  constructor(filter: EventFilter, ignored: ReadonlySet<string> = NOBODY) {
    this.filter = filter;
    this.ignored = ignored;
    this.senders = filter.senders && new Set(filter.senders);
    this.notSenders = new Set(filter.not_senders ?? []);
    this.rooms = roomFilter(filter.rooms, filter.not_rooms);
    const { types, not_types, senders, not_senders, rooms, not_rooms, contains_url } = filter;
    this.all =
      ignored.size === 0 &&
      [types, not_types, senders, not_senders, rooms, not_rooms, contains_url].every(
        (part) => part === undefined,
      );
  }

  /** The same without what is no state event of these senders. */
  ignoring(users: ReadonlySet<string>): EventSelection {
    return users.size === 0 ? this : new EventSelection(this.filter, users);
  }

  /** Whether anything of a room is wanted. */
  takesRoom(roomId: RoomId): boolean {
    return this.rooms(roomId);
  }

  /** Whether the event is wanted. */
  takes({ type, sender, state_key, room_id, content }: Selectable): boolean {
    if (this.all) return true;
    if (state_key === null && sender !== undefined && this.ignored.has(sender)) return false;
    const { types, not_types } = this.filter;
    if (types !== undefined && !types.some((pattern) => typeMatches(pattern, type))) return false;
    if (not_types?.some((pattern) => typeMatches(pattern, type))) return false;
    if (sender !== undefined && this.senders !== undefined && !this.senders.has(sender)) return false;
    if (sender !== undefined && this.notSenders.has(sender)) return false;
    if (room_id !== undefined && room_id !== null && !this.rooms(room_id)) return false;
    const { contains_url: wanted } = this.filter;
    return wanted === undefined || content === undefined || hasUrl(content) === wanted;
  }
}

/** A filter made ready. */
export interface ReadyFilter {
  /** Whether a room appears at all. */
  readonly room: (roomId: RoomId) => boolean;
  readonly timeline: EventSelection;
  readonly limit: number;
  readonly state: EventSelection;
  readonly ephemeral: EventSelection;
  readonly roomAccountData: EventSelection;
  readonly accountData: EventSelection;
  readonly presence: EventSelection;
  readonly lazyMembers: boolean;
  readonly redundantMembers: boolean;
  readonly includeLeave: boolean;
  /** Whether unread counts are told thread by thread. */
  readonly threadCounts: boolean;
  /** Whether room events are wanted in the form in which servers exchange them. */
  readonly federation: boolean;
  /** The paths of the fields of room events that are wanted; undefined: all. */
  readonly eventFields: readonly (readonly string[])[] | undefined;
}

/** Makes a filter ready. */
export function readyFilter(filter: SyncFilter): ReadyFilter {
  const room = filter.room ?? {};
  return {
    room: roomFilter(room.rooms, room.not_rooms),
    timeline: new EventSelection(room.timeline ?? {}),
    limit: Math.min(room.timeline?.limit ?? DEFAULT_LIMIT, MAX_LIMIT),
    state: new EventSelection(room.state ?? {}),
    ephemeral: new EventSelection(room.ephemeral ?? {}),
    roomAccountData: new EventSelection(room.account_data ?? {}),
    accountData: new EventSelection(filter.account_data ?? {}),
    presence: new EventSelection(filter.presence ?? {}),
    lazyMembers: room.state?.lazy_load_members ?? false,
    redundantMembers: room.state?.include_redundant_members ?? false,
    includeLeave: room.include_leave ?? false,
    // The spec does not say on which of them: clients set it on the timeline's.
    threadCounts: [room.timeline, room.state, room.ephemeral, room.account_data].some(
      (part) => part?.unread_thread_notifications === true,
    ),
    federation: filter.event_format === 'federation',
    eventFields: filter.event_fields?.map(parsePropertyPath),
  };
}

/** Whether a pattern of event types matches: `*` any run of characters, all else itself. Takes linear time. */
export function typeMatches(pattern: string, type: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return pattern === type;
  if (!type.startsWith(head) || !type.endsWith(tail)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = type.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + tail.length <= type.length;
}

function roomFilter(
  rooms: readonly string[] | undefined,
  notRooms: readonly string[] | undefined,
): (roomId: RoomId) => boolean {
  const wanted = rooms && new Set(rooms);
  const unwanted = new Set(notRooms ?? []);
  return (roomId) => !unwanted.has(roomId) && (wanted === undefined || wanted.has(roomId));
}

/** Any `url` key counts, whatever its value. */
function hasUrl(content: string): boolean {
  if (!content.includes('url')) return false;
  const value: unknown = JSON.parse(content);
  return isJsonObject(value) && Object.hasOwn(value, 'url');
}
