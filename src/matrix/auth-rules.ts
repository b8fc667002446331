import { checkMembership } from './auth-membership.ts';
import { checkPowerLevels } from './auth-power-levels.ts';
import { type AuthorisableEvent, membershipOf, type StateEvent, type StateLookup } from './auth-state.ts';
import { ALLOWED, type AuthVerdict, rejected } from './auth-verdict.ts';
import { createEventIdOf } from './hashes.ts';
import { parseUserId, type ServerName, serverInEventId, serverOf } from './identifiers.ts';
import { ownValue } from './json.ts';
import { type PowerLevels, powerLevels } from './power-levels.ts';
import { redactedEventId } from './redaction.ts';
import { type RoomVersion, roomVersion } from './room-versions.ts';
import type { Verifier } from './signing.ts';

/**
 * The authorisation rules of all room versions (spec: room versions, "Authorisation rules"). The numbers in comments
 * are those of version 12; `ruleIn` in `auth-room.fixture.ts` says which they have in others. Rule 3, about the
 * event's own `auth_events`, is `checkAuthEvents`.
 */

/** What the rules need beside event and state. */
export interface AuthContext {
  /** Checks the signatures of third-party invitations. */
  readonly verifier: Verifier;
  /** True when the judged event carries a valid signature of this server (restricted joins). */
  readonly isSignedBy: (server: ServerName) => boolean;
}

/**
 * Judges `event` against `state`: the state before it, the state that its auth events make, or the current
 * one, as the caller's question is. That the sender's server signed the event was checked before.
 */
export function checkAuth(
  version: RoomVersion,
  event: AuthorisableEvent,
  state: StateLookup,
  context: AuthContext,
): AuthVerdict {
  if (event.type === 'm.room.create') return checkCreate(version, event);
  const create = state('m.room.create', '');
  if (create === undefined) return rejected('the room has no create event');
  if (version.roomIds === 'create-hash' && !isRoomOf(event, create)) {
    return rejected('the room ID is not that of the create event'); // 2
  }
  if (
    ownValue(create.content, 'm.federate') === false &&
    serverOf(event.sender) !== serverOf(create.sender)
  ) {
    return rejected('the room does not federate'); // 4
  }
  if (version.aliasesRule && event.type === 'm.room.aliases') return checkAliases(event);
  const levels = powerLevels(version, state);
  if (event.type === 'm.room.member') {
    return checkMembership({ version, event, create, state, levels, ...context }); // 5
  }
  if (membershipOf(state, event.sender) !== 'join') return rejected('the sender is not joined'); // 6
  const own = levels.of(event.sender);
  if (event.type === 'm.room.third_party_invite') {
    return own >= levels.invite ? ALLOWED : rejected("the sender's power level is below the invite level"); // 7
  }
  if (levels.required(event.type, event.state_key !== undefined) > own) {
    return rejected("the sender's power level is below what the event type needs"); // 8
  }
  if (event.state_key?.startsWith('@') === true && event.state_key !== event.sender) {
    return rejected('the state key is another user'); // 9
  }
  if (event.type === 'm.room.power_levels') return checkPowerLevels(version, event, state, levels); // 10
  if (version.redactionsJudged === 'by-auth-rules' && event.type === 'm.room.redaction') {
    return checkRedaction(version, event, levels);
  }
  return ALLOWED; // 11
}

function isRoomOf(event: AuthorisableEvent, create: StateEvent): boolean {
  const roomId = event.room_id;
  return roomId?.startsWith('!') === true && createEventIdOf(roomId) === create.event_id;
}

/** Rule 4 of versions 1 to 5. */
function checkAliases(event: AuthorisableEvent): AuthVerdict {
  if (event.state_key === undefined) return rejected('aliases have no state key');
  return event.state_key === serverOf(event.sender) ? ALLOWED : rejected("the aliases are another server's");
}

/** Rule 11 of versions 1 and 2. */
function checkRedaction(version: RoomVersion, event: AuthorisableEvent, levels: PowerLevels): AuthVerdict {
  if (levels.of(event.sender) >= levels.redact) return ALLOWED;
  const target = redactedEventId(event, version);
  const own = serverInEventId(event.event_id ?? '');
  const isOwn = target !== undefined && own !== undefined && serverInEventId(target) === own;
  return isOwn ? ALLOWED : rejected("the sender's power level is below the redact level");
}

/** Rule 1. */
function checkCreate(version: RoomVersion, event: AuthorisableEvent): AuthVerdict {
  if (event.prev_events.length > 0) return rejected('a create event has previous events');
  const misplaced = version.roomIds === 'create-hash' ? hasRoomId(event) : isOfAnotherServer(event);
  if (misplaced !== undefined) return rejected(misplaced);
  const named = ownValue(event.content, 'room_version');
  if (named !== undefined && (typeof named !== 'string' || roomVersion(named) === undefined)) {
    return rejected('the room version is not known');
  }
  if (version.creatorIn === 'content' && ownValue(event.content, 'creator') === undefined) {
    return rejected('the create event names no creator');
  }
  if (version.creatorsPrivileged && !hasWellFormedCreators(event)) {
    return rejected('additional_creators is not a list of user IDs');
  }
  return ALLOWED;
}

function hasRoomId(event: AuthorisableEvent): string | undefined {
  return event.room_id === undefined ? undefined : 'a create event has a room ID';
}

function isOfAnotherServer({ room_id: roomId, sender }: AuthorisableEvent): string | undefined {
  const colon = roomId?.indexOf(':') ?? -1;
  const same = colon >= 0 && roomId?.slice(colon + 1) === serverOf(sender);
  return same ? undefined : "the room ID's server is not the sender's";
}

function hasWellFormedCreators(event: AuthorisableEvent): boolean {
  const creators = ownValue(event.content, 'additional_creators');
  if (creators === undefined) return true;
  return (
    Array.isArray(creators) &&
    creators.every((user) => typeof user === 'string' && parseUserId(user) !== undefined)
  );
}
