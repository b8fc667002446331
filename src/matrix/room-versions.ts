import type { RoomVersionId } from './identifiers.ts';
import { asRoomVersionId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { ownValue } from './json.ts';

/**
 * What each room version is made of (spec: room versions). One row a version: code asks a row for a
 * capability and never compares version numbers, so that another version is another row.
 */

/** A version's capabilities. */
export interface RoomVersion {
  readonly id: RoomVersionId;
  /** Listed as stable in `GET /capabilities`. */
  readonly stable: boolean;
  /** Event IDs: the reference hash in URL-safe base64 (version 4 on). */
  readonly eventIds: 'url-safe-hash';
  /** Room IDs: `!opaque:server`, or the create event's hash, which then has no `room_id` (12 on). */
  readonly roomIds: 'with-server' | 'create-hash';
  /** Which keys survive a redaction: a name in `redaction.ts`. */
  readonly redactionRules: 'v9' | 'v11';
  /** Where the redacted event's ID stands in an `m.room.redaction`: beside the content, or in it (11 on). */
  readonly redactsIn: 'event' | 'content';
  /** The state resolution algorithm. */
  readonly stateResolution: 'v2' | 'v2.1';
  /** Events hold only canonical JSON: integers within ±(2^53 - 1) (6 on). */
  readonly strictJson: boolean;
  /** A signing key counts only while valid at the event's `origin_server_ts` (5 on). */
  readonly enforcesKeyValidity: boolean;
  /** Power levels are JSON integers, never strings (10 on). */
  readonly integerPowerLevels: boolean;
  /** The create event says its creator in `content.creator` (to 10), else its sender is the creator (11 on). */
  readonly creatorIn: 'content' | 'sender';
  /** Creators, `additional_creators` too, stand above all power levels (12 on). */
  readonly creatorsPrivileged: boolean;
  /** `m.room.create` is one of the auth events (to 11); from 12 on the room ID implies it. */
  readonly createInAuthEvents: boolean;
  /** Join rule and membership `knock` (7 on). */
  readonly knocking: boolean;
  /** Join rule `restricted` (8 on). */
  readonly restrictedJoins: boolean;
  /** Join rule `knock_restricted` (10 on). */
  readonly knockRestrictedJoins: boolean;
}

const V10: RoomVersion = {
  id: asRoomVersionId('10'),
  stable: true,
  eventIds: 'url-safe-hash',
  roomIds: 'with-server',
  redactionRules: 'v9',
  redactsIn: 'event',
  stateResolution: 'v2',
  strictJson: true,
  enforcesKeyValidity: true,
  integerPowerLevels: true,
  creatorIn: 'content',
  creatorsPrivileged: false,
  createInAuthEvents: true,
  knocking: true,
  restrictedJoins: true,
  knockRestrictedJoins: true,
};

const V11: RoomVersion = {
  ...V10,
  id: asRoomVersionId('11'),
  redactionRules: 'v11',
  redactsIn: 'content',
  creatorIn: 'sender',
};

const V12: RoomVersion = {
  ...V11,
  id: asRoomVersionId('12'),
  roomIds: 'create-hash',
  stateResolution: 'v2.1',
  creatorsPrivileged: true,
  createInAuthEvents: false,
};

/** Every version this server can be in a room of, oldest first. */
export const ROOM_VERSIONS: readonly RoomVersion[] = [V10, V11, V12];

const BY_ID: ReadonlyMap<string, RoomVersion> = new Map(
  ROOM_VERSIONS.map((version) => [version.id, version]),
);

/** The version named `id`, or undefined when this server does not know it. */
export function roomVersion(id: string): RoomVersion | undefined {
  return BY_ID.get(id);
}

/**
 * The version of the room that a create event with this content makes: `1` when it names none, undefined when
 * this server does not know it. Spec: client-server API, `m.room.create`.
 */
export function roomVersionOfCreate(content: JsonObject): RoomVersion | undefined {
  const named = ownValue(content, 'room_version') ?? '1';
  return typeof named === 'string' ? roomVersion(named) : undefined;
}
