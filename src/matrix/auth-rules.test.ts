import {
  ADMIN,
  type AuthCase,
  CREATOR,
  eventIn,
  INVITED,
  judge,
  MEMBER,
  MODERATOR,
  member,
  NO_SIGNATURES,
  REMOTE,
  STRANGER,
  self,
  withPower,
} from './auth-room.fixture.ts';
import { asRoomId, asUserId, type UserId } from './identifiers.ts';
import type { RoomVersion } from './room-versions.ts';

/** What holds for every event but create events and memberships: rules 2, 4, 6 to 9 and 11. */

function message(sender: UserId, more: Parameters<typeof eventIn>[4] = {}) {
  return (version: RoomVersion) => eventIn(version, 'm.room.message', sender, { body: 'x' }, more);
}

function state(sender: UserId, type: string, key: string) {
  return (version: RoomVersion) => eventIn(version, type, sender, {}, { state_key: key });
}

const before12 = ({ roomIds }: RoomVersion): boolean => roomIds === 'with-server';
const OTHER_HASH = 'mauT12AzsoqxV7Abvy_ApA-HNPK1LcT4GbP70_AOPyQ';
const rooms: readonly AuthCase[] = [
  { rule: '2', name: 'the room of the create event', verdict: 'allowed', event: message(MEMBER) },
  {
    rule: '2',
    name: 'another room',
    verdict: 'not that of',
    event: message(MEMBER, { room_id: asRoomId(`!${OTHER_HASH}`) }),
  },
  {
    rule: '2',
    name: 'another sigil',
    verdict: 'not that of',
    event: (version) => ({
      ...message(MEMBER)(version),
      room_id: asRoomId(`$${message(MEMBER)(version).room_id?.slice(1)}`),
    }),
  },
  {
    rule: '2',
    name: 'no room ID',
    verdict: 'not that of',
    event: (version) => {
      const { room_id: _, ...event } = message(MEMBER)(version);
      return event;
    },
  },
  {
    rule: '4',
    name: 'not federated, same server',
    verdict: 'allowed',
    event: message(MEMBER),
    room: { create: { 'm.federate': false } },
  },
  {
    rule: '4',
    name: 'not federated, another server',
    verdict: 'does not federate',
    event: message(REMOTE),
    room: { create: { 'm.federate': false } },
  },
  {
    rule: '4',
    name: 'not federated, joining from another server',
    verdict: 'does not federate',
    event: self(asUserId('@x:two'), 'join'),
    room: { create: { 'm.federate': false }, joinRule: 'public' },
  },
  {
    rule: '4',
    name: 'federated',
    verdict: 'allowed',
    event: message(REMOTE),
    room: { create: { 'm.federate': true } },
  },
];

const senders: readonly AuthCase[] = [
  { rule: '6', name: 'joined', verdict: 'allowed', event: message(MEMBER) },
  { rule: '6', name: 'a stranger', verdict: 'not joined', event: message(STRANGER) },
  { rule: '6', name: 'invited', verdict: 'not joined', event: message(INVITED) },
  {
    rule: '6',
    name: 'a creator who left',
    verdict: 'not joined',
    event: message(CREATOR),
    room: { members: { [CREATOR]: 'leave' } },
  },
  {
    rule: '7.1',
    name: 'at the invite level',
    verdict: 'allowed',
    event: state(MODERATOR, 'm.room.third_party_invite', 'token'),
    room: withPower({ invite: 50 }),
  },
  {
    rule: '7.1',
    name: 'below the invite level',
    verdict: 'below the invite level',
    event: state(MODERATOR, 'm.room.third_party_invite', 'token'),
    room: withPower({ invite: 51 }),
  },
  {
    rule: '7.1',
    name: 'the level of its type does not count',
    verdict: 'allowed',
    event: state(MEMBER, 'm.room.third_party_invite', 'token'),
    room: withPower({ events: { 'm.room.third_party_invite': 99 } }),
  },
  { rule: '8', name: 'a message by anyone', verdict: 'allowed', event: message(MEMBER) },
  {
    rule: '8',
    name: 'events_default',
    verdict: 'what the event type needs',
    event: message(MEMBER),
    room: withPower({ events_default: 1 }),
  },
  {
    rule: '8',
    name: 'state_default is 50',
    verdict: 'what the event type needs',
    event: state(MEMBER, 'm.room.topic', ''),
  },
  { rule: '8', name: 'state at 50', verdict: 'allowed', event: state(MODERATOR, 'm.room.topic', '') },
  {
    rule: '8',
    name: 'state_default 51',
    verdict: 'what the event type needs',
    event: state(MODERATOR, 'm.room.topic', ''),
    room: withPower({ state_default: 51 }),
  },
  {
    rule: '8',
    name: 'the level of the type is above',
    verdict: 'what the event type needs',
    event: message(MODERATOR),
    room: withPower({ events: { 'm.room.message': 51 } }),
  },
  {
    rule: '8',
    name: 'the level of the type is below',
    verdict: 'allowed',
    event: state(MEMBER, 'm.room.topic', ''),
    room: withPower({ events: { 'm.room.topic': 0 } }),
  },
  {
    rule: '8',
    name: 'a type named like a property of every object',
    verdict: 'allowed',
    event: (version) => eventIn(version, 'constructor', MEMBER, {}),
    room: withPower({ events: {} }),
  },
  {
    rule: '8',
    name: 'users_default',
    verdict: 'allowed',
    event: state(MEMBER, 'm.room.topic', ''),
    room: withPower({ users_default: 50 }),
  },
  {
    rule: '8',
    name: 'no power levels: members stand at 0, state at 50',
    verdict: 'what the event type needs',
    event: state(MEMBER, 'm.room.topic', ''),
    room: { power: null },
  },
  {
    rule: '8',
    name: 'no power levels: the creator stands above',
    verdict: 'allowed',
    event: state(CREATOR, 'm.room.topic', ''),
    room: { power: null },
  },
  {
    rule: '8',
    name: 'an additional creator stands above',
    verdict: 'allowed',
    event: state(REMOTE, 'm.room.topic', ''),
    room: { create: { additional_creators: [REMOTE] } },
    versions: ['12'],
  },
  {
    rule: '8',
    name: 'an additional creator before version 12',
    verdict: 'what the event type needs',
    event: state(REMOTE, 'm.room.topic', ''),
    room: { create: { additional_creators: [REMOTE] } },
    versions: before12,
  },
  {
    rule: '8',
    name: 'the creator stands above any level',
    verdict: 'allowed',
    event: message(CREATOR),
    room: withPower({ events_default: Number.MAX_SAFE_INTEGER }),
    versions: ['12'],
  },
  {
    rule: '8',
    name: 'the creator before version 12 has its level',
    verdict: 'what the event type needs',
    event: message(CREATOR),
    room: withPower({ events_default: 1 }),
    versions: before12,
  },
  { rule: '9', name: 'state of oneself', verdict: 'allowed', event: state(MODERATOR, 'x', MODERATOR) },
  { rule: '9', name: 'state of another', verdict: 'another user', event: state(ADMIN, 'x', MODERATOR) },
  {
    rule: '9',
    name: 'a creator, state of another',
    verdict: 'another user',
    event: state(CREATOR, 'x', MODERATOR),
  },
  {
    rule: '9',
    name: 'a state key that only holds an @',
    verdict: 'allowed',
    event: state(ADMIN, 'x', 'a@b'),
  },
  {
    rule: '11',
    name: 'a redaction needs no more than its type',
    verdict: 'allowed',
    event: (version) => eventIn(version, 'm.room.redaction', MEMBER, { redacts: '$x' }),
    versions: (version) => version.redactionsJudged === 'when-applied',
  },
  {
    rule: '11',
    name: 'reactions, calls, the unheard of',
    verdict: 'allowed',
    event: (version) => eventIn(version, 'org.example', MEMBER, {}),
  },
  {
    rule: '5',
    name: 'the level of m.room.member counts for nothing',
    verdict: 'allowed',
    event: member(MEMBER, STRANGER, 'invite'),
    room: withPower({ events: { 'm.room.member': 100 } }),
  },
];

judge([...rooms, ...senders], () => NO_SIGNATURES);
