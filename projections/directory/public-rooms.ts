import type { RoomId } from '../../src/matrix/identifiers.ts';
import { type JsonObject, ownObject, ownString } from '../../src/matrix/json.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';

/** A room of the public directory (spec: client-server API, PublishedRoomsChunk). */
export interface PublicRoom {
  readonly room_id: RoomId;
  readonly num_joined_members: number;
  readonly world_readable: boolean;
  readonly guest_can_join: boolean;
  readonly join_rule: string;
  readonly name?: string;
  readonly topic?: string;
  readonly avatar_url?: string;
  readonly canonical_alias?: string;
  readonly room_type?: string;
}

/** A place in the order of the directory: most members first, then by room ID. */
export interface DirectoryPlace {
  readonly joined: number;
  readonly room_id: string;
}

/** Which rooms are wanted. Places outlive the rooms at them: what is listed meanwhile moves nothing. */
export interface PublicRoomsQuery {
  readonly limit: number;
  /** Only rooms behind this place. */
  readonly after?: DirectoryPlace;
  /** Only rooms before this place: the last of them. */
  readonly before?: DirectoryPlace;
  /** Case-insensitive: occurs in name, topic or canonical alias. */
  readonly search?: string;
  /** Null in it stands for rooms without a type. */
  readonly room_types?: readonly (string | null)[];
}

/** Three models in one question: who is listed, what the rooms' states are, and what those events say. */
const LISTED: ModelSql = (schema) => `SELECT r.room_id, r.joined, e.type, t.content
  FROM ${schema('directory')}.listings l
  JOIN ${schema('room_state')}.rooms r ON r.room_id = l.room_id
  JOIN ${schema('room_state')}.entries e ON e.room = r.room AND e.until_place IS NULL AND e.state_key = ''
    AND e.type IN ('m.room.create', 'm.room.name', 'm.room.topic', 'm.room.avatar', 'm.room.canonical_alias',
      'm.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access')
  JOIN ${schema('timeline')}.events t ON t.event_id = e.event_id
  WHERE l.public`;

interface Row {
  readonly room_id: RoomId;
  readonly joined: number;
  readonly type: string;
  readonly content: string;
}

/** A page of the directory. */
export interface PublicRoomsPage {
  readonly rooms: readonly PublicRoom[];
  /** How many rooms the whole of it has. */
  readonly total: number;
  /** Whether there are rooms before and behind the page. */
  readonly hasEarlier: boolean;
  readonly hasLater: boolean;
}

/** A page of the directory, and how many rooms the whole of it has. */
export async function publicRooms(
  database: ModelDatabase,
  query: PublicRoomsQuery,
): Promise<PublicRoomsPage> {
  return pageOf(
    roomsOf(await database.query<Row>(LISTED)).filter((room) => matches(room, query)),
    query,
  );
}

/** Cuts a page out of all rooms that were found. */
export function pageOf(
  found: readonly PublicRoom[],
  { limit, after, before }: PublicRoomsQuery,
): PublicRoomsPage {
  const sorted = found.toSorted((one, other) => compare(placeOf(one), placeOf(other)));
  const first = after === undefined ? 0 : sorted.filter((room) => compare(placeOf(room), after) <= 0).length;
  const end =
    before === undefined ? first + limit : sorted.filter((room) => compare(placeOf(room), before) < 0).length;
  const start = before === undefined ? first : Math.max(0, end - limit);
  const rooms = sorted.slice(start, end);
  return { rooms, total: sorted.length, hasEarlier: start > 0, hasLater: end < sorted.length };
}

/** Where a room stands in the order. */
export function placeOf({ num_joined_members: joined, room_id }: PublicRoom): DirectoryPlace {
  return { joined, room_id };
}

function compare(one: DirectoryPlace, other: DirectoryPlace): number {
  if (one.joined !== other.joined) return other.joined - one.joined;
  if (one.room_id === other.room_id) return 0;
  return one.room_id < other.room_id ? -1 : 1;
}

function roomsOf(rows: readonly Row[]): PublicRoom[] {
  const states = new Map<RoomId, { readonly joined: number; readonly state: Map<string, JsonObject> }>();
  for (const { room_id, joined, type, content } of rows) {
    const room = states.get(room_id) ?? { joined, state: new Map<string, JsonObject>() };
    room.state.set(type, JSON.parse(content));
    states.set(room_id, room);
  }
  return [...states].map(([roomId, { joined, state }]) => publicRoom(roomId, joined, state));
}

function publicRoom(room_id: RoomId, joined: number, state: ReadonlyMap<string, JsonObject>): PublicRoom {
  const text = (type: string, key: string): string | undefined => {
    const content = state.get(type);
    return content === undefined ? undefined : ownString(content, key);
  };
  const optional = {
    name: text('m.room.name', 'name'),
    topic: text('m.room.topic', 'topic') ?? plainTopic(state.get('m.room.topic')),
    avatar_url: text('m.room.avatar', 'url'),
    canonical_alias: text('m.room.canonical_alias', 'alias'),
    room_type: text('m.room.create', 'type'),
  };
  return {
    room_id,
    num_joined_members: joined,
    world_readable: text('m.room.history_visibility', 'history_visibility') === 'world_readable',
    guest_can_join: text('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: text('m.room.join_rules', 'join_rule') ?? 'invite',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** The plain text of a topic in its newer form (spec: `m.room.topic`, `m.topic`). */
function plainTopic(content: JsonObject | undefined): string | undefined {
  const block = content === undefined ? undefined : ownObject(content, 'm.topic');
  const texts = block === undefined ? undefined : block['m.text'];
  const first = Array.isArray(texts) ? texts[0] : undefined;
  return typeof first === 'object' && first !== null && 'body' in first ? String(first['body']) : undefined;
}

function matches(room: PublicRoom, { search, room_types }: PublicRoomsQuery): boolean {
  if (room_types !== undefined && !room_types.includes(room.room_type ?? null)) return false;
  if (search === undefined || search === '') return true;
  const wanted = search.toLowerCase();
  return [room.name, room.topic, room.canonical_alias].some((text) => text?.toLowerCase().includes(wanted));
}
