import type { AuthorisableEvent, StateLookup } from './auth-state.ts';
import { ALLOWED, type AuthVerdict, rejected } from './auth-verdict.ts';
import { parseUserId } from './identifiers.ts';
import { isJsonObject, type JsonObject, ownObject, ownValue } from './json.ts';
import { LEVEL_DEFAULTS, levelValue, type PowerLevels } from './power-levels.ts';
import { creatorsOf } from './room-creators.ts';
import type { RoomVersion } from './room-versions.ts';

/**
 * Changes of power levels: authorisation rule 10. The numbers are those of version 12; `ruleIn` in
 * `auth-room.fixture.ts` says which they have in others.
 */

const LEVEL_KEYS = Object.keys(LEVEL_DEFAULTS);

/** What has to have the right form: `users` always (10.3), all else where nothing but integers count (10.1, 10.2). */
const FORMED: Readonly<Record<RoomVersion['powerLevelValues'], Formed>> = {
  'numbers-or-strings': { levels: [], maps: ['users'] },
  'integers-or-strings': { levels: [], maps: ['users'] },
  integers: { levels: LEVEL_KEYS, maps: ['events', 'notifications', 'users'] },
};

interface Formed {
  readonly levels: readonly string[];
  readonly maps: readonly string[];
}

/** Judges an `m.room.power_levels` event whose sender is joined and has the level to send it. */
export function checkPowerLevels(
  version: RoomVersion,
  event: AuthorisableEvent,
  state: StateLookup,
  levels: PowerLevels,
): AuthVerdict {
  const malformed = malformation(version, event.content) ?? namesCreator(version, event.content, state);
  if (malformed !== undefined) return rejected(malformed);
  const current = state('m.room.power_levels', '');
  if (current === undefined) return ALLOWED; // 10.5
  const change: Change = { version, from: current.content, to: event.content, sender: event.sender, levels };
  const excess = excessInLevels(change) ?? excessInMaps(change) ?? excessInUsers(change);
  return excess === undefined ? ALLOWED : rejected(excess);
}

/** 10.1 to 10.3: what is there has the right form. */
function malformation(version: RoomVersion, content: JsonObject): string | undefined {
  const formed = FORMED[version.powerLevelValues];
  for (const key of formed.levels) {
    const value = ownValue(content, key);
    if (value !== undefined && levelValue(version, value) === undefined) return `${key} is not an integer`;
  }
  for (const key of formed.maps) {
    const map = ownValue(content, key);
    if (map === undefined) continue;
    const isMapOfLevels =
      isJsonObject(map) && Object.values(map).every((value) => levelValue(version, value) !== undefined);
    if (!isMapOfLevels) return `${key} is not an object of integers`;
  }
  const users = Object.keys(ownObject(content, 'users') ?? {});
  return users.every((user) => parseUserId(user) !== undefined)
    ? undefined
    : 'users has a key that is no user ID';
}

/** 10.4: creators stand above the levels and are not among them. */
function namesCreator(version: RoomVersion, content: JsonObject, state: StateLookup): string | undefined {
  const create = state('m.room.create', '');
  if (!version.creatorsPrivileged || create === undefined) return undefined;
  const users = ownObject(content, 'users') ?? {};
  const named = creatorsOf(version, create).some((creator) => Object.hasOwn(users, creator));
  return named ? 'a creator of the room is given a power level' : undefined;
}

interface Change {
  readonly version: RoomVersion;
  readonly from: JsonObject;
  readonly to: JsonObject;
  readonly sender: string;
  readonly levels: PowerLevels;
}

/** 10.6: single levels; neither what was nor what will be is above the sender's. */
function excessInLevels({ version, from, to, sender, levels }: Change): string | undefined {
  const own = levels.of(sender);
  for (const [key, before, after] of alterations(version, from, to, LEVEL_KEYS)) {
    if (before !== undefined && before > own) return `${key} is above the sender's power level`;
    if (after !== undefined && after > own) return `${key} would be above the sender's power level`;
  }
  return undefined;
}

/** 10.7 and 10.8: levels of event types and, where they are judged, of notifications. */
function excessInMaps({ version, from, to, sender, levels }: Change): string | undefined {
  const own = levels.of(sender);
  for (const map of version.notificationLevelsJudged ? ['events', 'notifications'] : ['events']) {
    for (const [, before, after] of mapAlterations(version, from, to, map)) {
      if (before !== undefined && before > own) return `a level in ${map} is above the sender's`;
      if (after !== undefined && after > own) return `a level in ${map} would be above the sender's`;
    }
  }
  return undefined;
}

/** 10.9 and 10.10: levels of users; others are changed only by who stands above them. */
function excessInUsers({ version, from, to, sender, levels }: Change): string | undefined {
  const own = levels.of(sender);
  for (const [user, before, after] of mapAlterations(version, from, to, 'users')) {
    if (before !== undefined && user !== sender && before >= own) {
      return "a changed user's power level is not below the sender's";
    }
    if (after !== undefined && after > own) return "a user's power level would be above the sender's";
  }
  return undefined;
}

type Alteration = readonly [key: string, before: number | undefined, after: number | undefined];

function mapAlterations(
  version: RoomVersion,
  from: JsonObject,
  to: JsonObject,
  map: string,
): readonly Alteration[] {
  const before = ownObject(from, map) ?? {};
  const after = ownObject(to, map) ?? {};
  return alterations(version, before, after, new Set([...Object.keys(before), ...Object.keys(after)]));
}

/** The entries that were added (no before), removed (no after) or changed. */
function alterations(
  version: RoomVersion,
  from: JsonObject,
  to: JsonObject,
  keys: Iterable<string>,
): readonly Alteration[] {
  const found: Alteration[] = [];
  for (const key of keys) {
    const before = levelValue(version, ownValue(from, key));
    const after = levelValue(version, ownValue(to, key));
    if (before !== after) found.push([key, before, after]);
  }
  return found;
}
