import type { RoomVersionId } from './identifiers.ts';
import { asRoomVersionId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { ownValue } from './json.ts';

/**
 * What each room version is made of (spec: room versions). One row a version: code asks a row for a
 * capability and never compares version numbers, so that another version is another row and the functions
 * that its new names stand for. `room-version-cells.test.ts` has a specification for every cell.
 */

/** A version's capabilities. */
export interface RoomVersion {
  readonly id: RoomVersionId;
  /** Listed as stable in `GET /capabilities`. */
  readonly stable: boolean;
  /** What events name others by: IDs with hashes (1, 2) or IDs alone (3 on); a name in `event-format.ts`. */
  readonly eventFormat: 'id-hash-pairs' | 'ids';
  /** Event IDs: said by the event (1, 2), or its reference hash in standard (3) or URL-safe base64 (4 on). */
  readonly eventIds: 'in-event' | 'standard-hash' | 'url-safe-hash';
  /** Room IDs: `!opaque:server`, or the create event's hash, which then has no `room_id` (12 on). */
  readonly roomIds: 'with-server' | 'create-hash';
  /** Which keys survive a redaction: a name in `redaction.ts`. */
  readonly redactionRules: 'v1' | 'v6' | 'v8' | 'v9' | 'v11';
  /** Where the redacted event's ID stands in an `m.room.redaction`: beside the content, or in it (11 on). */
  readonly redactsIn: 'event' | 'content';
  /** Who may redact: for the auth rules to say (1, 2), or looked at once both events are known (3 on). */
  readonly redactionsJudged: 'by-auth-rules' | 'when-applied';
  /** The state resolution algorithm: a name in `src/state/resolution/resolve.ts`. */
  readonly stateResolution: 'v1' | 'v2' | 'v2.1';
  /** Events hold only canonical JSON: integers within ±(2^53 - 1), `depth` among them (6 on). */
  readonly strictJson: boolean;
  /** A signing key counts only while valid at the event's `origin_server_ts` (5 on). */
  readonly enforcesKeyValidity: boolean;
  /** A server's `m.room.aliases` is for that server alone, member or not (to 5). */
  readonly aliasesRule: boolean;
  /** Changes of `notifications` in the power levels are judged like those of `events` (6 on). */
  readonly notificationLevelsJudged: boolean;
  /** What a power level may be written as: a name in `power-levels.ts`. */
  readonly powerLevelValues: 'numbers-or-strings' | 'integers-or-strings' | 'integers';
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

const V1: RoomVersion = {
  id: asRoomVersionId('1'),
  stable: true,
  eventFormat: 'id-hash-pairs',
  eventIds: 'in-event',
  roomIds: 'with-server',
  redactionRules: 'v1',
  redactsIn: 'event',
  redactionsJudged: 'by-auth-rules',
  stateResolution: 'v1',
  strictJson: false,
  enforcesKeyValidity: false,
  aliasesRule: true,
  notificationLevelsJudged: false,
  powerLevelValues: 'numbers-or-strings',
  creatorIn: 'content',
  creatorsPrivileged: false,
  createInAuthEvents: true,
  knocking: false,
  restrictedJoins: false,
  knockRestrictedJoins: false,
};

const V2: RoomVersion = { ...V1, id: asRoomVersionId('2'), stateResolution: 'v2' };

const V3: RoomVersion = {
  ...V2,
  id: asRoomVersionId('3'),
  eventFormat: 'ids',
  eventIds: 'standard-hash',
  redactionsJudged: 'when-applied',
};

const V4: RoomVersion = { ...V3, id: asRoomVersionId('4'), eventIds: 'url-safe-hash' };

const V5: RoomVersion = { ...V4, id: asRoomVersionId('5'), enforcesKeyValidity: true };

const V6: RoomVersion = {
  ...V5,
  id: asRoomVersionId('6'),
  redactionRules: 'v6',
  strictJson: true,
  aliasesRule: false,
  notificationLevelsJudged: true,
  powerLevelValues: 'integers-or-strings',
};

const V7: RoomVersion = { ...V6, id: asRoomVersionId('7'), knocking: true };

const V8: RoomVersion = {
  ...V7,
  id: asRoomVersionId('8'),
  redactionRules: 'v8',
  restrictedJoins: true,
};

const V9: RoomVersion = { ...V8, id: asRoomVersionId('9'), redactionRules: 'v9' };

const V10: RoomVersion = {
  ...V9,
  id: asRoomVersionId('10'),
  powerLevelValues: 'integers',
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
export const ROOM_VERSIONS: readonly RoomVersion[] = [V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12];

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
  const named = Object.hasOwn(content, 'room_version') ? ownValue(content, 'room_version') : '1';
  return typeof named === 'string' ? roomVersion(named) : undefined;
}
