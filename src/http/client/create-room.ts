import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { asRoomVersionId, parseRoomAlias, type RoomAlias } from '../../matrix/identifiers.ts';
import { type RoomVersion, roomVersion } from '../../matrix/room-versions.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import { mapBounded } from '../bounded.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { makeCreateEvent } from './create-event.ts';
import { type CreateRoomRequest, createRoomBody } from './create-room-request.ts';
import { initialEvents, inviteesOf } from './initial-events.ts';
import { noThirdPartyInvites, requireInvitable, requireMember } from './inviting.ts';
import { memberProfile } from './send-event.ts';

/** Invited users looked up at once. */
const USERS_AT_ONCE = 8;

/** `POST createRoom` (spec: client-server API, "Creation"). */
export function createRoomRoutes(app: App, context: ClientContext): void {
  const uniqueTime = risingTime(context.now);
  route(app, {
    method: 'POST',
    path: '/createRoom',
    prefixes: SINCE_R0,
    auth: 'user',
    body: createRoomBody,
    numbers: 'integers',
    response: Type.Object({ room_id: Type.String() }),
    handle: ({ body, session }) => createRoom(context, session, body, uniqueTime()),
  });
}

/**
 * Fixes all of a new room here, its create event signed, so that a retry between our own nodes is the same
 * room. The owner of its slot then takes or refuses it as a whole.
 */
async function createRoom(
  context: ClientContext,
  session: Session,
  request: CreateRoomRequest,
  at: number,
): Promise<{ room_id: string }> {
  if ((request.invite_3pid?.length ?? 0) > 0) throw noThirdPartyInvites();
  await requireInvitees(context, request);
  const version = versionOf(context, request);
  const alias = await freeAlias(context, request);
  const creator = session.user_id;
  const made = makeCreateEvent(context, { request, version, creator, at });
  const invitees = inviteesOf(request, creator);
  const profiles = await mapBounded([creator, ...invitees], USERS_AT_ONCE, (user) =>
    memberProfile(context, user),
  );
  const [creatorProfile = {}, ...inviteeProfiles] = profiles;
  const events = initialEvents({
    request,
    version,
    creator,
    creatorProfile,
    invitees: invitees.map((user, index) => ({ user, profile: inviteeProfiles[index] ?? {} })),
    alias,
  });
  await context.execute({
    kind: 'create_room',
    id: freshCommandId(),
    at,
    room_id: made.roomId,
    room_version: version.id,
    creator,
    create_event: made.json,
    events,
    visibility: request.visibility ?? 'private',
    ...(alias === undefined ? {} : { alias }),
  });
  return { room_id: made.roomId };
}

/**
 * Spec, "Invite permission": 403 when one of the invited takes no invitations. The room is not made then: its creator
 * may leave that user out, and else would never learn who was.
 * @throws MilenaError FORBIDDEN, INVITE_BLOCKED, INVALID_PARAM
 */
async function requireInvitees(context: ClientContext, request: CreateRoomRequest): Promise<void> {
  const { invite = [], initial_state = [] } = request;
  await mapBounded([...new Set(invite)], USERS_AT_ONCE, (user) => requireInvitable(context, user));
  for (const { type, state_key = '', content } of initial_state) {
    if (type === 'm.room.member') await requireMember(context, state_key, content);
  }
}

function versionOf({ settings }: ClientContext, request: CreateRoomRequest): RoomVersion {
  const version = roomVersion(asRoomVersionId(request.room_version ?? settings.defaultRoomVersion));
  if (version === undefined) throw new MilenaError('UNSUPPORTED_ROOM_VERSION');
  return version;
}

/** The alias that is asked for. Whether it is free the owner decides; this look spares a saga. */
async function freeAlias(context: ClientContext, request: CreateRoomRequest): Promise<RoomAlias | undefined> {
  const local = request.room_alias_name;
  if (local === undefined) return undefined;
  const hasBadCharacter = local === '' || /[:\s]/.test(local);
  const alias = hasBadCharacter ? undefined : parseRoomAlias(`#${local}:${context.serverName}`);
  if (alias === undefined) throw new MilenaError('INVALID_PARAM', 'room_alias_name: cannot be an alias');
  await context.freshness.resource(alias);
  if ((await context.reads.directory.alias(alias)) !== undefined) throw new MilenaError('ROOM_IN_USE');
  return alias;
}

/**
 * A clock that never gives the same millisecond twice. From version 12 on the room ID is the create event's
 * hash, and two rooms that a user makes at once with the same options would otherwise be one.
 */
function risingTime(now: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now());
    return last;
  };
}
