import { eventIdOf, roomIdOfCreate } from '../matrix/hashes.ts';
import { asRoomId, asRoomVersionId, asUserId, type RoomId, type UserId } from '../matrix/identifiers.ts';
import { roomVersion } from '../matrix/room-versions.ts';
import { type Signer, signEvent } from '../matrix/signing.ts';
import type { CreateRoom, InitialEvent, SendEvent } from '../owner/commands.ts';

/** The creator of test rooms. */
export const ALICE = asUserId('@alice:test.example');
/** Somebody else. */
export const BOB = asUserId('@bob:test.example');

/** A command that makes a room of the given version with a public join rule, or as said. */
export function newRoom(
  signer: Signer,
  options: {
    readonly id: string;
    readonly version?: string;
    readonly joinRule?: string;
    readonly events?: readonly InitialEvent[];
    readonly alias?: CreateRoom['alias'];
    readonly nonce?: number;
  },
): CreateRoom {
  const version = roomVersion(options.version ?? '12');
  if (version === undefined) throw new Error(`room version ${options.version} is not known`);
  const own = asRoomId('!opaque:test.example');
  const signed = signEvent(
    {
      ...(version.roomIds === 'with-server' ? { room_id: own } : {}),
      type: 'm.room.create',
      state_key: '',
      sender: ALICE,
      content: {
        room_version: version.id,
        nonce: options.nonce ?? 1,
        ...(version.creatorIn === 'content' ? { creator: ALICE } : {}),
      },
      origin_server_ts: 1,
      depth: 1,
      prev_events: [],
      auth_events: [],
    },
    version,
    signer,
  );
  const room_id = version.roomIds === 'create-hash' ? roomIdOfCreate(eventIdOf(signed.pdu, version)) : own;
  return {
    kind: 'create_room',
    id: options.id,
    at: 1,
    room_id,
    room_version: asRoomVersionId(version.id),
    creator: ALICE,
    create_event: JSON.stringify(signed.pdu),
    events: [
      { type: 'm.room.member', state_key: ALICE, content: { membership: 'join' } },
      {
        type: 'm.room.power_levels',
        state_key: '',
        content: version.creatorsPrivileged ? { users: {} } : { users: { [ALICE]: 100 } },
      },
      { type: 'm.room.join_rules', state_key: '', content: { join_rule: options.joinRule ?? 'public' } },
      ...(options.events ?? []),
    ],
    ...(options.alias === undefined ? {} : { alias: options.alias }),
    visibility: 'private',
  };
}

/** A command that sends an event. */
export function send(
  room: RoomId,
  sender: UserId,
  id: string,
  event: Partial<Pick<SendEvent, 'type' | 'state_key' | 'content' | 'redacts'>> = {},
): SendEvent {
  return {
    kind: 'send_event',
    id,
    at: 2,
    room_id: room,
    sender,
    type: event.type ?? 'm.room.message',
    content: event.content ?? '{"msgtype":"m.text","body":"hello"}',
    ...(event.state_key === undefined ? {} : { state_key: event.state_key }),
    ...(event.redacts === undefined ? {} : { redacts: event.redacts }),
  };
}

/** A command that changes a user's own membership, or another's. */
export function member(
  room: RoomId,
  sender: UserId,
  target: UserId,
  membership: string,
  id: string,
): SendEvent {
  const content = JSON.stringify({ membership });
  return send(room, sender, id, { type: 'm.room.member', state_key: target, content });
}
