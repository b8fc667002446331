import { pageOf } from '../../projections/directory/public-rooms.ts';
import type { RoomEventRecord } from '../log/records.ts';
import { registrationTokenKey } from '../log/resource-keys.ts';
import {
  asEventId,
  asRoomAlias,
  asRoomId,
  asRoomVersionId,
  type RoomId,
  type UserId,
} from '../matrix/identifiers.ts';
import { ownString } from '../matrix/json.ts';
import { relationOf } from '../matrix/relations.ts';
import type { MemoryLog } from '../owner/memory-house.fixture.ts';
import { pduOfRecord } from '../rooms/pdu-of-record.ts';
import type { ServerFact } from '../server/decide.ts';
import { evolveRegistrationToken, type RegistrationToken } from '../server/registration-tokens.ts';
import { factsOf } from './memory-accounts.fixture.ts';
import type { DirectoryReads } from './reads/directory-reads.ts';
import type { Membership, RoomReads } from './reads/room-reads.ts';
import type { StoredEvent } from './reads/stored-event.ts';
import type { EventFilter, TimelineReads } from './reads/timeline-reads.ts';

/** The models of rooms, made anew from a log in memory at every question. */
export function memoryRooms(log: MemoryLog): RoomReads {
  const state: RoomReads['state'] = async (roomId, { type, at, members } = {}) => {
    const latest = new Map<string, StoredEvent>();
    for (const event of eventsOf(log, roomId)) {
      if (event.state_key === null || (at !== undefined && event.place > at)) continue;
      if (members === false && event.type === 'm.room.member') continue;
      if (type === undefined || event.type === type) latest.set(`${event.type}\0${event.state_key}`, event);
    }
    return [...latest.values()];
  };
  return {
    state,
    version: async (roomId) => {
      const record = factsOf(log, 'room_event').find(({ key }) => key === roomId);
      return record === undefined ? undefined : asRoomVersionId(record.value.room_version);
    },
    stateEvent: async (roomId, type, stateKey, at) =>
      (await state(roomId, { type, ...(at === undefined ? {} : { at }) })).find(
        (event) => event.state_key === stateKey,
      ),
    standing: async (roomId, userId) => standing(log, roomId, userId),
    visibility: async (roomId, userId) => ({
      membershipAt: ({ place }) => standing(log, roomId, userId, place)?.membership ?? 'leave',
      // Nothing here says what it replaced.
      withoutHiddenPast: (event) => event,
    }),
    sharing: async (userId, users) => {
      const rooms = new Set(factsOf(log, 'room_event').map(({ key }) => asRoomId(key)));
      const isIn = (roomId: RoomId, user: UserId) => standing(log, roomId, user)?.membership === 'join';
      return new Set(
        users.filter((user) => [...rooms].some((room) => isIn(room, user) && isIn(room, userId))),
      );
    },
    rooms: async (userId, membership) => {
      const rooms = new Set(factsOf(log, 'room_event').map(({ key }) => asRoomId(key)));
      return [...rooms].filter((roomId) => standing(log, roomId, userId)?.membership === membership);
    },
  };
}

/** Timelines; visible is what a user's membership or a world-readable room lets them see, roughly. */
export function memoryTimeline(log: MemoryLog): TimelineReads {
  return {
    event: async (roomId, eventId, viewer) =>
      visible(log, roomId, viewer).find((event) => event.event_id === eventId),
    eventAnywhere: async (eventId, viewer) => {
      const rooms = new Set(factsOf(log, 'room_event').map(({ key }) => key));
      const all = [...rooms].flatMap((roomId) => visible(log, roomId, viewer));
      return all.find((event) => event.event_id === eventId);
    },
    closest: async ({ roomId, viewer, ts, direction }) => {
      const all = visible(log, roomId, viewer);
      return direction === 'f'
        ? all.find((event) => event.origin_server_ts >= ts)
        : all.findLast((event) => event.origin_server_ts <= ts);
    },
    whereIs: async (roomId, eventId) => {
      const found = eventsOf(log, roomId).find((event) => event.event_id === eventId);
      return found === undefined ? undefined : { place: found.place, thread: null };
    },
    isChild: async (roomId, eventId) => {
      const found = eventsOf(log, roomId).find((event) => event.event_id === eventId);
      return found && relationOf(JSON.parse(found.content)) !== undefined;
    },
    annotation: async () => undefined,
    page: async ({ roomId, viewer, direction, from, to, limit, filter = {} }) => {
      const all = visible(log, roomId, viewer).filter((event) => wanted(event, filter));
      const back = direction === 'b';
      const start = from ?? (back ? (all.at(-1)?.place ?? 0) + 1 : 0);
      const stop = to ?? (back ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
      const ahead = back
        ? all.filter(({ place }) => place < start && place >= stop).reverse()
        : all.filter(({ place }) => place >= start && place < stop);
      const events = ahead.slice(0, limit);
      const last = events.at(-1)?.place;
      const more = last !== undefined && ahead.length > events.length;
      return { events, start, ...(more ? { next: back ? last : last + 1 } : {}) };
    },
  };
}

/** The directory; names and topics are not looked up. */
export function memoryDirectory(log: MemoryLog): DirectoryReads {
  const aliases = () => {
    const all = new Map<string, { room_id: RoomId; creator: string }>();
    for (const { key, fact } of log.records) {
      const alias = key.slice(key.indexOf('#'));
      if (fact.type === 'alias_removed') all.delete(alias);
      if (fact.type !== 'alias_set') continue;
      all.set(alias, { room_id: asRoomId(fact.value.room_id), creator: fact.value.creator });
    }
    return all;
  };
  const listed = () => {
    const rooms = new Map<string, 'public' | 'private'>();
    for (const { value } of factsOf(log, 'room_listed')) rooms.set(value.room_id, value.visibility);
    return rooms;
  };
  return {
    alias: async (alias) => aliases().get(alias),
    aliases: async (roomId) =>
      [...aliases()].filter(([, entry]) => entry.room_id === roomId).map(([alias]) => asRoomAlias(alias)),
    registrationToken: async (tokenHash) => {
      const key = registrationTokenKey(tokenHash);
      // Nothing about a resource but facts of the topic `server` has such a key.
      const facts = log.records.filter((one) => one.key === key).map(({ fact }) => fact as ServerFact);
      return facts.reduce<RegistrationToken | undefined>(evolveRegistrationToken, undefined);
    },
    listedAmong: async (rooms) => rooms.filter((roomId) => listed().get(roomId) === 'public'),
    visibility: async (roomId) => listed().get(roomId) ?? 'private',
    list: async (query) => {
      const rooms = [...listed()].filter(([, visibility]) => visibility === 'public');
      const all = rooms.map(([roomId]) => ({
        room_id: asRoomId(roomId),
        num_joined_members: 1,
        world_readable: false,
        guest_can_join: false,
        join_rule: 'public',
      }));
      return pageOf(all, query);
    },
  };
}

function eventsOf(log: MemoryLog, roomId: string): readonly StoredEvent[] {
  const records = factsOf(log, 'room_event').filter(({ key }) => key === roomId);
  const events = records.map(({ value }) => storedEvent(value, asRoomId(roomId)));
  return events.map((event) => {
    const redaction = events.find((other) => other.redacts === event.event_id);
    return redaction === undefined ? event : { ...event, content: '{}', redacted_because: redaction };
  });
}

function storedEvent(record: RoomEventRecord, roomId: RoomId): StoredEvent {
  const pdu = pduOfRecord(record);
  return {
    room_id: roomId,
    event_id: asEventId(record.event_id),
    type: pdu.type,
    sender: pdu.sender,
    state_key: pdu.state_key ?? null,
    origin_server_ts: pdu.origin_server_ts,
    content: JSON.stringify(pdu.content),
    redacts: record.redacts === null ? null : asEventId(record.redacts),
    place: record.place,
    transaction: record.transaction,
  };
}

/** @param upTo the place of the last event that counts. */
function standing(log: MemoryLog, roomId: string, userId: UserId, upTo = Number.POSITIVE_INFINITY) {
  let left_at: number | undefined;
  let last: { membership: Membership; event: StoredEvent } | undefined;
  for (const event of eventsOf(log, roomId)) {
    if (event.type !== 'm.room.member' || event.state_key !== userId || event.place > upTo) continue;
    // The auth rules let no other values in.
    const membership = ownString(JSON.parse(event.content), 'membership') as Membership;
    if (last?.membership === 'join' && membership !== 'join') left_at = event.place;
    if (membership === 'join') left_at = undefined;
    last = { membership, event };
  }
  if (last === undefined) return undefined;
  const { membership, event } = last;
  const forgets = factsOf(log, 'room_forgotten').filter(({ key }) => key === roomId);
  return {
    forgotten: forgets.some(({ value }) => value.membership_event === event.event_id),
    membership,
    event_id: event.event_id,
    place: event.place,
    ...(left_at === undefined ? {} : { left_at }),
  };
}

function visible(log: MemoryLog, roomId: string, viewer: UserId): readonly StoredEvent[] {
  const where = standing(log, roomId, viewer);
  const all = eventsOf(log, roomId);
  if (where?.membership === 'join') return all;
  if (where?.forgotten === true) return [];
  const isOpen = all.some((event) => event.content.includes('"world_readable"'));
  return isOpen ? all : all.filter((event) => event.place <= (where?.left_at ?? -1));
}

function wanted(event: StoredEvent, { types, not_types, senders, not_senders }: EventFilter): boolean {
  return (
    (types === undefined || types.includes(event.type)) &&
    not_types?.includes(event.type) !== true &&
    (senders === undefined || senders.includes(event.sender)) &&
    not_senders?.includes(event.sender) !== true
  );
}
