import type { UserId } from '../../src/matrix/identifiers.ts';
import { type Random, ROOMS, USERS } from './random-history.fixture.ts';
import type { EventFilter, SyncFilter } from './sync-filter.ts';

/** How a client syncs. */
export interface ClientKind {
  readonly limit: number;
  readonly stateAfter?: boolean;
  readonly lazy?: boolean;
  readonly redundant?: boolean;
  readonly includeLeave?: boolean;
  /** Which events of timelines it wants. */
  readonly timeline?: EventFilter;
  /** Which types of state it wants. */
  readonly state?: Pick<EventFilter, 'types' | 'not_types'>;
  /** Which rooms it wants to know of at all. */
  readonly rooms?: Pick<EventFilter, 'rooms' | 'not_rooms'>;
}

/** The filter that such a client sends. */
export function filterOf(kind: ClientKind): SyncFilter {
  const { limit, lazy = false, redundant = false, includeLeave = false, timeline, state, rooms } = kind;
  return {
    room: {
      ...rooms,
      include_leave: includeLeave,
      timeline: { ...timeline, limit },
      state: { ...state, lazy_load_members: lazy, include_redundant_members: redundant },
    },
  };
}

/** A kind of client with a random filter. */
export function randomKind(random: Random): ClientKind {
  const pick = <T>(items: readonly [T, ...T[]]): T => items[random(items.length)] ?? items[0];
  const some = (chance: number): boolean => random(chance) === 0;
  const user = (): UserId => USERS[random(USERS.length)] ?? pick(['@ann:x.org' as UserId]);
  const rooms = ROOMS.filter(() => some(2));
  const timeline: EventFilter = {
    ...(some(4) ? { types: pick([['m.room.m*'], ['m.room.message', '*.state'], ['*'], []]) } : {}),
    ...(some(5) ? { not_types: pick([['m.room.message'], ['*.member', 'm.r*n'], ['org.*']]) } : {}),
    ...(some(6) ? { senders: [user(), user()] } : {}),
    ...(some(6) ? { not_senders: [user()] } : {}),
    ...(some(8) ? { contains_url: some(2) } : {}),
    ...(some(8) ? { rooms } : {}),
    ...(some(8) ? { not_rooms: rooms } : {}),
  };
  const state = pick<NonNullable<ClientKind['state']>>([
    { types: ['m.room.*'] },
    { not_types: ['org.*'] },
    { not_types: ['m.room.member'] },
  ]);
  return {
    limit: 1 + random(7),
    stateAfter: some(3),
    lazy: some(3),
    redundant: some(3),
    includeLeave: some(4),
    ...(some(2) ? { timeline } : {}),
    ...(some(4) ? { state } : {}),
    ...(some(6) ? { rooms: some(2) ? { rooms } : { not_rooms: rooms } } : {}),
  };
}

/** What is looked at of an event. */
interface Plain {
  readonly room_id: string;
  readonly type: string;
  readonly sender: string;
  /** As it is shown: what is left of it, when it was redacted. */
  readonly content: object;
}

/** Whether a filter wants an event, as the spec puts it, word by word. */
export function isWanted(filter: EventFilter, { room_id, type, sender, content }: Plain): boolean {
  const { types, not_types, senders, not_senders, rooms, not_rooms, contains_url } = filter;
  const ofType = (pattern: string): boolean => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(type);
  };
  return (
    (types === undefined || types.some(ofType)) &&
    !(not_types ?? []).some(ofType) &&
    (senders === undefined || senders.includes(sender)) &&
    !(not_senders ?? []).includes(sender) &&
    (rooms === undefined || rooms.includes(room_id)) &&
    !(not_rooms ?? []).includes(room_id) &&
    (contains_url === undefined || 'url' in content === contains_url)
  );
}
