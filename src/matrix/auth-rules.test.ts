import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
  stateOf,
  withPower,
} from './auth-room.fixture.ts';
import { checkAuth } from './auth-rules.ts';
import { asEventId, asRoomId, asUserId, type UserId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';

/** Rules about create events (1, 2) and what holds for every event (4, 6 to 9, 11), named by their numbers. */

/** A create event; `more` replaces what is given here. */
function create(content: JsonObject, more: { prev?: string; room?: string; sender?: UserId } = {}) {
  return (version: RoomVersion) => {
    const creator = version.creatorIn === 'content' ? { creator: CREATOR } : {};
    const event = eventIn(
      version,
      'm.room.create',
      more.sender ?? CREATOR,
      { ...creator, ...content },
      { state_key: '', prev_events: more.prev === undefined ? [] : [asEventId(more.prev)] },
    );
    const { room_id, ...without } = event;
    if (more.room !== undefined) return { ...without, room_id: asRoomId(more.room) };
    return version.roomIds === 'create-hash' ? without : event;
  };
}

function message(sender: UserId, more: Parameters<typeof eventIn>[4] = {}) {
  return (version: RoomVersion) => eventIn(version, 'm.room.message', sender, { body: 'x' }, more);
}

function state(sender: UserId, type: string, key: string) {
  return (version: RoomVersion) => eventIn(version, type, sender, {}, { state_key: key });
}

const before12 = ['10', '11'];
const creates: readonly AuthCase[] = [
  { rule: '1.1', name: 'no previous events', verdict: 'allowed', event: create({}) },
  { rule: '1.1', name: 'a previous event', verdict: 'previous events', event: create({}, { prev: '$a' }) },
  {
    rule: '1.2',
    name: 'room ID of the same server',
    verdict: 'allowed',
    event: create({}, { room: '!r:one' }),
    versions: before12,
  },
  {
    rule: '1.2',
    name: 'room ID of another server',
    verdict: "is not the sender's",
    event: create({}, { room: '!r:two' }),
    versions: before12,
  },
  {
    rule: '1.2',
    name: 'room ID without a server',
    verdict: "is not the sender's",
    event: create({}, { room: '!one' }),
    versions: before12,
  },
  {
    rule: '1.2',
    name: 'the port is part of the server',
    verdict: "is not the sender's",
    event: create({}, { room: '!r:one:80' }),
    versions: before12,
  },
  {
    rule: '1.2',
    name: 'a room ID',
    verdict: 'has a room ID',
    event: create({}, { room: '!r:one' }),
    versions: ['12'],
  },
  { rule: '1.2', name: 'no room ID', verdict: 'allowed', event: create({}), versions: ['12'] },
  ...['10', '11', '12'].map(
    (id): AuthCase => ({
      rule: '1.3',
      name: `room version ${id}`,
      verdict: 'allowed',
      event: create({ room_version: id }),
    }),
  ),
  ...['13', 'x', 12, null].map(
    (id): AuthCase => ({
      rule: '1.3',
      name: `room version ${JSON.stringify(id)}`,
      verdict: 'not known',
      event: create({ room_version: id }),
    }),
  ),
  {
    rule: '1.4',
    name: 'additional creators',
    verdict: 'allowed',
    event: create({ additional_creators: [MEMBER, '@Ü :one'] }),
    versions: ['12'],
  },
  ...[null, 'x', {}, [5], ['x'], [MEMBER, '@'], [[MEMBER]]].map(
    (bad): AuthCase => ({
      rule: '1.4',
      name: `additional creators ${JSON.stringify(bad)}`,
      verdict: 'not a list of user IDs',
      event: create({ additional_creators: bad }),
    }),
  ),
  {
    rule: '1.5',
    name: 'anything else in it',
    verdict: 'allowed',
    event: create({ 'm.federate': false, x: { y: 1 } }),
  },
  {
    rule: '1.5',
    name: 'additional creators of any form',
    verdict: 'allowed',
    event: create({ additional_creators: 5 }),
    versions: before12,
  },
];

describe('rule 1.4 of version 10', () => {
  it('rule 1.4: no creator: rejected', () => {
    const [version] = ROOM_VERSIONS;
    assert.ok(version);
    const { creator: _, ...content } = create({})(version).content;
    const verdict = checkAuth(version, { ...create({})(version), content }, () => undefined, NO_SIGNATURES);
    assert.deepEqual(verdict, { allowed: false, reason: 'the create event names no creator' });
  });
});

describe('a room without its create event', () => {
  for (const version of ROOM_VERSIONS) {
    it(`lets nothing stand, version ${version.id}`, () => {
      for (const event of [message(CREATOR)(version), self(CREATOR, 'join')(version)]) {
        assert.ok(!checkAuth(version, event, () => undefined, NO_SIGNATURES).allowed);
      }
    });
  }
});

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

judge([...creates, ...rooms, ...senders], () => NO_SIGNATURES);
