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
  const value = (levels: JsonObject, key: string): number | undefined =>
    levelValue(version, ownValue(levels, key));
  const level = (key: keyof typeof LEVEL_DEFAULTS): number => value(content, key) ?? LEVEL_DEFAULTS[key];
  return {
    of: (user) => {
      if (creators.includes(user)) {
        if (version.creatorsPrivileged) return Number.POSITIVE_INFINITY;
        if (event === undefined) return CREATOR_LEVEL;
      }
      return value(users, user) ?? level('users_default');
    },
    required: (type, isState) => value(events, type) ?? level(isState ? 'state_default' : 'events_default'),
    notification: (kind) => value(notifications, kind) ?? 50,
    invite: level('invite'),
    kick: level('kick'),
    ban: level('ban'),
    redact: level('redact'),
  };
}

type LevelReader = (value: JsonValue | undefined) => number | undefined;

const READERS: Readonly<Record<RoomVersion['powerLevelValues'], LevelReader>> = {
  'numbers-or-strings': (value) => truncated(value) ?? integerOfText(value),
  'integers-or-strings': (value) => integer(value) ?? integerOfText(value),
  integers: integer,
};

/**
 * The level that a value in `m.room.power_levels` stands for, an integer; undefined for what this version takes for
 * none. Spec: room versions 1 and 9, "Deprecated event content schemas".
 */
export function levelValue(version: RoomVersion, value: JsonValue | undefined): number | undefined {
  return READERS[version.powerLevelValues](value);
}

function integer(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** Floats count without what stands behind the point: 50.57 is 50. */
function truncated(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : undefined;
}

const INTEGER_TEXT = /^\s*[+-]?[0-9]+\s*$/;

function integerOfText(value: JsonValue | undefined): number | undefined {
  if (typeof value !== 'string' || !INTEGER_TEXT.test(value)) return undefined;
  const level = Number(value);
  return Number.isFinite(level) ? level : undefined;
}
