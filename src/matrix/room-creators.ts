import type { StateEvent } from './auth-state.ts';
import { ownString, ownValue } from './json.ts';
import type { RoomVersion } from './room-versions.ts';

/**
 * Who made a room: the create event's sender (to version 10 whom its content names) and, from version 12 on,
 * the `additional_creators`. Spec: room version 12, "Authorisation rules".
 */
export function creatorsOf(
  version: RoomVersion,
  create: Pick<StateEvent, 'sender' | 'content'>,
): readonly string[] {
  if (version.creatorIn === 'content') {
    const creator = ownString(create.content, 'creator');
    return creator === undefined ? [] : [creator];
  }
  if (!version.creatorsPrivileged) return [create.sender];
  const additional = ownValue(create.content, 'additional_creators');
  const named = Array.isArray(additional) ? additional.filter((user) => typeof user === 'string') : [];
  return [create.sender, ...named];
}
