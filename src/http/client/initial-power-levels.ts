import { MilenaError } from '../../errors/milena-error.ts';
import { type JsonObject, ownObject, ownValue } from '../../matrix/json.ts';
import { LEVEL_DEFAULTS } from '../../matrix/power-levels.ts';
import { createContent } from './create-event.ts';
import type { InitialEventsOptions } from './initial-events.ts';

const TOMBSTONE = 'm.room.tombstone';
/** What a tombstone takes in rooms whose creators stand above all levels: the spec's own example. */
const RAISED = 150;

const EVENTS = {
  'm.room.name': 50,
  'm.room.avatar': 50,
  'm.room.canonical_alias': 50,
  'm.room.power_levels': 100,
  'm.room.history_visibility': 100,
  'm.room.server_acl': 100,
  'm.room.encryption': 100,
} as const;

/**
 * The first `m.room.power_levels`, with the client's override put over it key by key (spec: `POST createRoom`,
 * 3). To version 11 the creator has 100 and, with `trusted_private_chat`, so have all who are invited; from 12
 * on creators stand above all levels and must not be listed, and a tombstone takes 150, or one more than a
 * `state_default` of the override that is as high: unless the override itself says what a tombstone takes.
 * @throws MilenaError INVALID_ROOM_STATE when the override lists a creator.
 */
export function initialPowerLevels(
  options: Pick<InitialEventsOptions, 'request' | 'version' | 'creator' | 'invitees'>,
): JsonObject {
  const { request, version, creator, invitees } = options;
  const privileged = version.creatorsPrivileged;
  const trusted = request.preset === 'trusted_private_chat' ? invitees.map(({ user }) => user) : [];
  const users = privileged ? [] : [creator, ...trusted].map((user) => [user, 100]);
  const levels: JsonObject = {
    ...LEVEL_DEFAULTS,
    users: Object.fromEntries(users),
    events: privileged ? EVENTS : { ...EVENTS, [TOMBSTONE]: 100 },
    notifications: { room: 50 },
    ...request.power_level_content_override,
  };
  if (!privileged) return levels;
  refuseCreators(levels, options);
  return withTombstone(levels);
}

/** Spec, 3: "the power level for sending `m.room.tombstone` events MUST explicitly be higher than `state_default`". */
function withTombstone(levels: JsonObject): JsonObject {
  const events = ownObject(levels, 'events');
  // What is no object, and a `state_default` that is no integer, the auth rules refuse.
  if (events === undefined || Object.hasOwn(events, TOMBSTONE)) return levels;
  const stateDefault = ownValue(levels, 'state_default');
  const above = typeof stateDefault === 'number' ? stateDefault + 1 : 0;
  return { ...levels, events: { ...events, [TOMBSTONE]: Math.max(RAISED, above) } };
}

function refuseCreators(
  levels: JsonObject,
  options: Pick<InitialEventsOptions, 'request' | 'version' | 'creator'>,
): void {
  const { additional_creators = [] } = createContent({ ...options, at: 0 });
  const creators = [options.creator, ...(Array.isArray(additional_creators) ? additional_creators : [])];
  const listed = Object.keys(ownObject(levels, 'users') ?? {});
  if (creators.some((user) => listed.includes(user))) {
    throw new MilenaError(
      'INVALID_ROOM_STATE',
      'Creators cannot be listed in the power levels of this version.',
    );
  }
}
