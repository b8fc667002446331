import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthCase, CREATOR, eventIn, judge, MEMBER, NO_SIGNATURES, self } from './auth-room.fixture.ts';
import { checkAuth } from './auth-rules.ts';
import { asEventId, asRoomId, type UserId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';

/** Rule 1, about create events. */

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

const before12 = ({ roomIds }: RoomVersion): boolean => roomIds === 'with-server';
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
  ...ROOM_VERSIONS.map(({ id }) => id).map(
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

describe('rule 1.4 of versions 1 to 10', () => {
  for (const version of ROOM_VERSIONS.filter(({ creatorIn }) => creatorIn === 'content'))
    it(`no creator: rejected, version ${version.id}`, () => {
      const { creator: _, ...content } = create({})(version).content;
      const verdict = checkAuth(version, { ...create({})(version), content }, () => undefined, NO_SIGNATURES);
      assert.deepEqual(verdict, { allowed: false, reason: 'the create event names no creator' });
    });
});

describe('a room without its create event', () => {
  for (const version of ROOM_VERSIONS) {
    it(`lets nothing stand, version ${version.id}`, () => {
      for (const event of [eventIn(version, 'm.room.message', CREATOR, {}), self(CREATOR, 'join')(version)]) {
        assert.ok(!checkAuth(version, event, () => undefined, NO_SIGNATURES).allowed);
      }
    });
  }
});

judge(creates, () => NO_SIGNATURES);
