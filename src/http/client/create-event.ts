import { MilenaError } from '../../errors/milena-error.ts';
import type { UnsignedPdu } from '../../matrix/event.ts';
import { roomIdOfCreate } from '../../matrix/hashes.ts';
import { asRoomId, parseUserId, type RoomId, type UserId } from '../../matrix/identifiers.ts';
import { type JsonObject, ownValue, withoutKeys } from '../../matrix/json.ts';
import type { RoomVersion } from '../../matrix/room-versions.ts';
import { signEvent } from '../../matrix/signing.ts';
import type { HttpDeps } from '../deps.ts';
import type { CreateRoomRequest } from './create-room-request.ts';

/** A signed create event and the room that it makes. */
export interface MadeCreateEvent {
  readonly roomId: RoomId;
  /** The PDU. */
  readonly json: string;
}

/** What a create event is made of. */
export interface CreateEventOptions {
  readonly request: CreateRoomRequest;
  readonly version: RoomVersion;
  readonly creator: UserId;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Makes and signs the create event, which fixes the room's ID. @throws MilenaError INVALID_PARAM */
export function makeCreateEvent(
  deps: Pick<HttpDeps, 'signer' | 'random' | 'serverName'>,
  options: CreateEventOptions,
): MadeCreateEvent {
  const { version, creator, at } = options;
  const withServer = version.roomIds === 'with-server';
  const randomId = withServer ? randomRoomId(deps) : undefined;
  const unsigned: UnsignedPdu = {
    ...(randomId === undefined ? {} : { room_id: randomId }),
    type: 'm.room.create',
    state_key: '',
    sender: creator,
    content: createContent(options),
    origin_server_ts: at,
    depth: 1,
    prev_events: [],
    auth_events: [],
  };
  const { pdu, eventId } = signEvent(unsigned, version, deps.signer);
  return { roomId: randomId ?? roomIdOfCreate(eventId), json: JSON.stringify(pdu) };
}

/** Spec: `POST createRoom`: the client's `creation_content`, with what the server alone may say. */
export function createContent({ request, version, creator }: CreateEventOptions): JsonObject {
  const asked = request.creation_content ?? {};
  const additional = version.creatorsPrivileged ? additionalCreators(request, creator) : undefined;
  return {
    ...withoutKeys(
      asked,
      new Set(['creator', 'room_version', ...(additional ? ['additional_creators'] : [])]),
    ),
    ...(version.creatorIn === 'content' ? { creator } : {}),
    room_version: version.id,
    ...(additional === undefined || additional.length === 0 ? {} : { additional_creators: additional }),
  };
}

/** Those the client names and, with `trusted_private_chat`, all who are invited; each once, the creator not. */
function additionalCreators(request: CreateRoomRequest, creator: UserId): readonly UserId[] {
  const named = ownValue(request.creation_content ?? {}, 'additional_creators') ?? [];
  if (!Array.isArray(named)) throw new MilenaError('INVALID_PARAM', 'additional_creators: must be a list');
  const users = named.map((user) => {
    const id = typeof user === 'string' ? parseUserId(user) : undefined;
    if (id === undefined) throw new MilenaError('INVALID_PARAM', 'additional_creators: must be user IDs');
    return id;
  });
  const trusted = request.preset === 'trusted_private_chat' ? (request.invite ?? []) : [];
  return [...new Set([...users, ...trusted])].filter((user) => user !== creator);
}

function randomRoomId({ random, serverName }: Pick<HttpDeps, 'random' | 'serverName'>): RoomId {
  return asRoomId(`!${Buffer.from(random(18)).toString('base64url')}:${serverName}`);
}
