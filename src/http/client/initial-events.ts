import { MilenaError } from '../../errors/milena-error.ts';
import type { RoomAlias, UserId } from '../../matrix/identifiers.ts';
import type { JsonObject } from '../../matrix/json.ts';
import type { RoomVersion } from '../../matrix/room-versions.ts';
import type { InitialEvent } from '../../owner/commands.ts';
import type { CreateRoomRequest } from './create-room-request.ts';
import { initialPowerLevels } from './initial-power-levels.ts';

/** What the first events of a room are made of. */
export interface InitialEventsOptions {
  readonly request: CreateRoomRequest;
  readonly version: RoomVersion;
  readonly creator: UserId;
  /** `displayname` and `avatar_url`, where set. */
  readonly creatorProfile: JsonObject;
  readonly invitees: readonly { readonly user: UserId; readonly profile: JsonObject }[];
  readonly alias: RoomAlias | undefined;
}

/** Spec: `POST createRoom`, the table of presets. */
const PRESETS = {
  private_chat: { join: 'invite', history: 'shared', guests: 'can_join' },
  trusted_private_chat: { join: 'invite', history: 'shared', guests: 'can_join' },
  public_chat: { join: 'public', history: 'shared', guests: 'forbidden' },
} as const;

/**
 * All that follows the create event, in the order that the spec prescribes: the creator's join, power levels,
 * canonical alias, the preset's events, `initial_state`, name and topic, invitations.
 */
export function initialEvents(options: InitialEventsOptions): readonly InitialEvent[] {
  const { request, creator, creatorProfile, alias } = options;
  const given = initialState(request);
  return [
    member(creator, { membership: 'join', ...creatorProfile }),
    state('m.room.power_levels', initialPowerLevels(options)),
    ...(alias === undefined ? [] : [state('m.room.canonical_alias', { alias })]),
    ...presetEvents(request).filter((event) => !given.some((other) => isSameKey(event, other))),
    ...given,
    ...(request.name === undefined ? [] : [state('m.room.name', { name: request.name })]),
    ...(request.topic === undefined ? [] : [state('m.room.topic', topicContent(request.topic))]),
    ...invitations(options),
  ];
}

/** Who is invited: each once. @throws MilenaError INVALID_PARAM when the creator is among them. */
export function inviteesOf(request: CreateRoomRequest, creator: UserId): readonly UserId[] {
  const invitees = [...new Set(request.invite)];
  if (invitees.includes(creator))
    throw new MilenaError('INVALID_PARAM', 'invite: you are in the room already');
  return invitees;
}

function presetEvents(request: CreateRoomRequest): readonly InitialEvent[] {
  const isPublic = request.visibility === 'public';
  const preset = PRESETS[request.preset ?? (isPublic ? 'public_chat' : 'private_chat')];
  return [
    state('m.room.join_rules', { join_rule: preset.join }),
    state('m.room.history_visibility', { history_visibility: preset.history }),
    state('m.room.guest_access', { guest_access: preset.guests }),
  ];
}

function initialState(request: CreateRoomRequest): readonly InitialEvent[] {
  return (request.initial_state ?? []).map(({ type, state_key = '', content }) => {
    if (type === 'm.room.create') {
      throw new MilenaError(
        'INVALID_ROOM_STATE',
        'initial_state: the create event is made of creation_content',
      );
    }
    return { type, state_key, content };
  });
}

function invitations({ request, invitees }: InitialEventsOptions): readonly InitialEvent[] {
  const direct = request.is_direct === undefined ? {} : { is_direct: request.is_direct };
  return invitees.map(({ user, profile }) => member(user, { membership: 'invite', ...profile, ...direct }));
}

/** The topic as text, and as the list of representations of spec v1.15. */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } };
}

function member(user: UserId, content: JsonObject): InitialEvent {
  return { type: 'm.room.member', state_key: user, content };
}

function state(type: string, content: JsonObject): InitialEvent {
  return { type, state_key: '', content };
}

function isSameKey(a: InitialEvent, b: InitialEvent): boolean {
  return a.type === b.type && a.state_key === b.state_key;
}
