import { MilenaError } from '../../errors/milena-error.ts';
import { type JsonObject, ownObject } from '../../matrix/json.ts';
import { LEVEL_DEFAULTS } from '../../matrix/power-levels.ts';
import { createContent } from './create-event.ts';
import type { InitialEventsOptions } from './initial-events.ts';

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
 * on creators stand above all levels and must not be listed, and a tombstone takes 150.
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
    events: { ...EVENTS, 'm.room.tombstone': privileged ? 150 : 100 },
    notifications: { room: 50 },
    ...request.power_level_content_override,
  };
  if (privileged) refuseCreators(levels, options);
  return levels;
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
