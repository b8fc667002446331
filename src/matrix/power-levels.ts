import type { StateLookup } from './auth-state.ts';
import { type JsonObject, type JsonValue, ownObject, ownValue } from './json.ts';
import { creatorsOf } from './room-creators.ts';
import type { RoomVersion } from './room-versions.ts';

/**
 * Power levels with their defaults (spec: client-server API, `m.room.power_levels`; server-server API,
 * "Definitions"). Levels are integers; the creators of a version 12 room stand at Infinity.
 */
export interface PowerLevels {
  /** The level of a user, in the room or not. */
  of(user: string): number;
  /** The level needed to send an event of this type. Memberships and redactions of others need more. */
  required(type: string, isState: boolean): number;
  /** The level needed for a mention of this kind, as `room` for `@room`. */
  notification(kind: string): number;
  /** Needed to invite. */
  readonly invite: number;
  /** Needed to kick, and to unban. */
  readonly kick: number;
  /** Needed to ban and to unban. */
  readonly ban: number;
  /** Needed to redact the events of others. */
  readonly redact: number;
}

/** The properties of `m.room.power_levels` that are one level each, with what holds when they are absent. */
export const LEVEL_DEFAULTS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  ban: 50,
  redact: 50,
  kick: 50,
  invite: 0,
} as const;

const NO_CONTENT: JsonObject = {};
/** The creator's level in a room without power levels (to version 11). */
const CREATOR_LEVEL = 100;

/** The levels that hold in this state: its create event and its power levels, where it has any. */
export function powerLevels(version: RoomVersion, state: StateLookup): PowerLevels {
  const create = state('m.room.create', '');
  const creators = create === undefined ? [] : creatorsOf(version, create);
  const event = state('m.room.power_levels', '');
  const content = event?.content ?? NO_CONTENT;
  const users = ownObject(content, 'users') ?? NO_CONTENT;
  const events = ownObject(content, 'events') ?? NO_CONTENT;
  const notifications = ownObject(content, 'notifications') ?? NO_CONTENT;
  const level = (key: keyof typeof LEVEL_DEFAULTS): number =>
    levelValue(ownValue(content, key)) ?? LEVEL_DEFAULTS[key];
  return {
    of: (user) => {
      if (creators.includes(user)) {
        if (version.creatorsPrivileged) return Number.POSITIVE_INFINITY;
        if (event === undefined) return CREATOR_LEVEL;
      }
      return levelValue(ownValue(users, user)) ?? level('users_default');
    },
    required: (type, isState) =>
      levelValue(ownValue(events, type)) ?? level(isState ? 'state_default' : 'events_default'),
    notification: (kind) => levelValue(ownValue(notifications, kind)) ?? 50,
    invite: level('invite'),
    kick: level('kick'),
    ban: level('ban'),
    redact: level('redact'),
  };
}

/** The level that a value in `m.room.power_levels` stands for: an integer, or undefined for anything else. */
export function levelValue(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}
