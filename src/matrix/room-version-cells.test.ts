import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redactionApplies } from './applied-redactions.ts';
import { authTypesFor } from './auth-events.ts';
import {
  CREATOR,
  eventIn,
  MEMBER,
  MODERATOR,
  NO_SIGNATURES,
  REMOTE,
  type RoomShape,
  STRANGER,
  self,
  stateOf,
} from './auth-room.fixture.ts';
import { checkAuth } from './auth-rules.ts';
import type { AuthorisableEvent } from './auth-state.ts';
import { canonicalJson } from './canonical-json.ts';
import { eventReference, parsePdu } from './event-format.ts';
import { eventIdOf } from './hashes.ts';
import { asEventId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { keyCounts } from './key-validity.ts';
import { powerLevels } from './power-levels.ts';
import { redactedEventId, redactJson } from './redaction.ts';
import { creatorsOf } from './room-creators.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';

/**
 * A specification of each cell of the table of room versions: what a room of that version does. Each is held against
 * the version's row, and against that row with the cell of a neighbour in it, which it must not meet.
 */

/** `stateResolution` has its specification in `src/state`, which this folder knows nothing of. */
type Capability = Exclude<keyof RoomVersion, 'id' | 'stable' | 'stateResolution'>;

interface Specification {
  readonly cell: Capability;
  readonly name: string;
  /** What happens in a room of this version. */
  readonly outcome: (version: RoomVersion) => unknown;
  /** What has to: from this version on, until the next that is named. */
  readonly expected: Readonly<Record<number, unknown>>;
}

function expectedIn({ expected }: Specification, version: RoomVersion): unknown {
  const since = Object.keys(expected).findLast((from) => Number(from) <= Number(version.id)) ?? assert.fail();
  return expected[Number(since)];
}

/** Whether the rules allow an event in a room of this shape; every signature is good. */
function isAllowed(
  version: RoomVersion,
  event: (version: RoomVersion) => AuthorisableEvent,
  shape: RoomShape = {},
): boolean {
  const context = { ...NO_SIGNATURES, isSignedBy: () => true };
  // The room is as it was made, whatever is then taken for its rules.
  const made = ROOM_VERSIONS.find(({ id }) => id === version.id) ?? assert.fail();
  return checkAuth(version, event(made), stateOf(made, shape), context).allowed;
}

/** An event with both forms of everything; its hash has characters that the two alphabets write differently. */
const EVENT: JsonObject = {
  event_id: '$own:one',
  room_id: '!room:one',
  type: 'm.room.message',
  sender: MEMBER,
  content: {},
  origin_server_ts: 11,
  depth: 1,
  prev_events: [],
  auth_events: [],
  hashes: { sha256: 'x' },
  signatures: {},
};

function parses(version: RoomVersion, text: string): boolean {
  try {
    return parsePdu(text, version).type === 'm.room.message';
  } catch {
    return false;
  }
}

function kindOfId(version: RoomVersion): string {
  const id = eventIdOf(parsePdu(JSON.stringify({ ...EVENT, prev_events: [] }), version), version);
  if (id === '$own:one') return 'its own';
  assert.match(id, /[+/_-]/, 'the event was chosen for the characters of its hash');
  return /[+/]/.test(id) ? 'standard' : 'URL-safe';
}

const withoutRoom = (version: RoomVersion): AuthorisableEvent => {
  const { room_id: _, ...event } = eventIn(
    version,
    'm.room.create',
    CREATOR,
    { creator: CREATOR },
    {
      state_key: '',
      prev_events: [],
    },
  );
  return event;
};

const REDACTED: readonly JsonObject[] = [
  { type: 'm.room.aliases', content: { aliases: 1 } },
  { type: 'm.room.join_rules', content: { allow: 1 } },
  { type: 'm.room.member', content: { join_authorised_via_users_server: 1 } },
  { type: 'm.room.create', content: { any: 1 } },
  { type: 'm.room.power_levels', content: { invite: 1 } },
  { type: 'm.room.redaction', content: { redacts: 1 } },
  { type: 'm.room.member', content: { third_party_invite: { signed: 1 } } },
  { type: 'x', content: {}, origin: 1, membership: 1, prev_state: 1 },
];

/** Of the things above, those that a redaction leaves as they are. */
const survivors = (version: RoomVersion): readonly number[] =>
  REDACTED.flatMap((event, index) =>
    canonicalJson(redactJson(event, version)) === canonicalJson(event) ? [index] : [],
  );

const levelsOf = (version: RoomVersion, power: JsonObject | null, create: JsonObject = {}) =>
  powerLevels(version, stateOf(version, { power, create }));

const powerChange = (content: JsonObject) => (version: RoomVersion) =>
  eventIn(version, 'm.room.power_levels', MODERATOR, content, { state_key: '' });

const SPECIFICATIONS: readonly Specification[] = [
  {
    cell: 'eventFormat',
    name: 'an event names others by ID and hash, or by ID',
    outcome: (version) => [
      parses(version, JSON.stringify({ ...EVENT, prev_events: [['$a:one', { sha256: 'x' }]] })),
      parses(version, JSON.stringify({ ...EVENT, prev_events: ['$a:one'] })),
      eventReference(version, asEventId('$a'), () => 'hash'),
    ],
    expected: { 1: [true, false, ['$a', { sha256: 'hash' }]], 3: [false, true, '$a'] },
  },
  {
    cell: 'eventIds',
    name: 'an event says its ID, or its hash does in one alphabet or the other',
    outcome: kindOfId,
    expected: { 1: 'its own', 3: 'standard', 4: 'URL-safe' },
  },
  {
    cell: 'roomIds',
    name: 'a create event without a room ID makes a room',
    outcome: (version) => isAllowed(version, withoutRoom),
    expected: { 1: false, 12: true },
  },
  {
    cell: 'redactionRules',
    name: 'what a redaction leaves',
    outcome: survivors,
    expected: { 1: [0, 7], 6: [7], 8: [1, 7], 9: [1, 2, 7], 11: [1, 2, 3, 4, 5, 6] },
  },
  {
    cell: 'redactsIn',
    name: 'which event a redaction redacts',
    outcome: (version) =>
      redactedEventId(
        { type: 'm.room.redaction', redacts: asEventId('$beside'), content: { redacts: '$within' } },
        version,
      ),
    expected: { 1: '$beside', 11: '$within' },
  },
  {
    cell: 'redactionsJudged',
    name: "a member redacts another server's event: accepted, applied",
    outcome: (version) => [
      isAllowed(version, (made) =>
        eventIn(
          made,
          'm.room.redaction',
          MEMBER,
          { redacts: '$b:two' },
          {
            event_id: asEventId('$a:one'),
            redacts: asEventId('$b:two'),
          },
        ),
      ),
      redactionApplies(version, { sender: MEMBER }, { sender: REMOTE }, levelsOf(version, {})),
    ],
    expected: { 1: [false, true], 3: [true, false] },
  },
  {
    cell: 'strictJson',
    name: 'a float, an integer that doubles do not tell from its neighbour, a depth up to 2^63 - 1',
    outcome: (version) =>
      ['"content":{"a":1.5}', '"content":{"a":9007199254740993}', '"depth":9223372036854775807'].map(
        (member) => {
          const reference = version.eventFormat === 'ids' ? '"$a"' : '["$a",{}]';
          const [key = ''] = member.split(':');
          const rest = Object.entries(EVENT).filter(
            ([name]) => `"${name}"` !== key && name !== 'prev_events',
          );
          const text = JSON.stringify(Object.fromEntries(rest));
          return parses(version, `{${member},"prev_events":[${reference}],${text.slice(1)}`);
        },
      ),
    expected: { 1: [true, true, true], 6: [false, false, false] },
  },
  {
    cell: 'enforcesKeyValidity',
    name: 'a key that has run out when the event was made',
    outcome: (version) => keyCounts(version, { validUntil: 1, eventAt: 2, now: 3 }),
    expected: { 1: true, 5: false },
  },
  {
    cell: 'aliasesRule',
    name: 'aliases by who is not in the room, for the own server',
    outcome: (version) =>
      isAllowed(version, (made) => eventIn(made, 'm.room.aliases', STRANGER, {}, { state_key: 'one' })),
    expected: { 1: true, 6: false },
  },
  {
    cell: 'notificationLevelsJudged',
    name: 'a moderator raises a notification above itself',
    outcome: (version) =>
      isAllowed(version, powerChange({ users: { [MODERATOR]: 50 }, notifications: { room: 99 } }), {
        power: { users: { [MODERATOR]: 50 } },
      }),
    expected: { 1: true, 6: false },
  },
  {
    cell: 'powerLevelValues',
    name: 'levels as floats and as texts; what is no level at all',
    outcome: (version) => {
      const levels = levelsOf(version, { ban: 7.9, kick: ' +08 ' });
      const isFine = isAllowed(version, powerChange({ users: { [MODERATOR]: 50 }, invite: 'none' }), {
        power: { users: { [MODERATOR]: 50 } },
      });
      return [levels.ban, levels.kick, isFine];
    },
    expected: { 1: [7, 8, true], 6: [50, 8, true], 10: [50, 50, false] },
  },
  {
    cell: 'creatorIn',
    name: 'who made a room whose create event names another than its sender',
    outcome: (version) => creatorsOf(version, { sender: CREATOR, content: { creator: MEMBER } }),
    expected: { 1: [MEMBER], 11: [CREATOR] },
  },
  {
    cell: 'creatorsPrivileged',
    name: 'the level of an additional creator',
    outcome: (version) => levelsOf(version, {}, { additional_creators: [REMOTE] }).of(REMOTE),
    expected: { 1: 0, 12: Number.POSITIVE_INFINITY },
  },
  {
    cell: 'createInAuthEvents',
    name: 'what authorises a message',
    outcome: (version) =>
      authTypesFor(version, { type: 'm.room.message', sender: MEMBER, content: {} }).map(([type]) => type),
    expected: {
      1: ['m.room.create', 'm.room.power_levels', 'm.room.member'],
      12: ['m.room.power_levels', 'm.room.member'],
    },
  },
  {
    cell: 'knocking',
    name: 'a stranger knocks',
    outcome: (version) => isAllowed(version, self(STRANGER, 'knock'), { joinRule: 'knock' }),
    expected: { 1: false, 7: true },
  },
  {
    cell: 'restrictedJoins',
    name: 'a stranger is vouched for where joins are restricted',
    outcome: (version) =>
      isAllowed(version, self(STRANGER, 'join', { join_authorised_via_users_server: MEMBER }), {
        joinRule: 'restricted',
      }),
    expected: { 1: false, 8: true },
  },
  {
    cell: 'knockRestrictedJoins',
    name: 'a stranger knocks, or is vouched for, where one may do either',
    outcome: (version) => [
      isAllowed(version, self(STRANGER, 'knock'), { joinRule: 'knock_restricted' }),
      isAllowed(version, self(STRANGER, 'join', { join_authorised_via_users_server: MEMBER }), {
        joinRule: 'knock_restricted',
      }),
    ],
    expected: { 1: [false, false], 10: [true, true] },
  },
];

for (const version of ROOM_VERSIONS) {
  describe(`a room of version ${version.id}`, () => {
    for (const each of SPECIFICATIONS) {
      it(`${each.cell}: ${each.name}`, () => {
        assert.deepEqual(each.outcome(version), expectedIn(each, version));
      });
    }
  });
}

describe('each cell has a specification', () => {
  it('whatever the capability', () => {
    const elsewhere = ['id', 'stable', 'stateResolution'];
    const cells = Object.keys(ROOM_VERSIONS[0] ?? {}).filter((key) => !elsewhere.includes(key));
    assert.deepEqual(cells.sort(), [...new Set(SPECIFICATIONS.map(({ cell }) => cell))].sort());
  });
  for (const [index, version] of ROOM_VERSIONS.entries()) {
    for (const neighbour of [ROOM_VERSIONS[index - 1], ROOM_VERSIONS[index + 1]]) {
      for (const { cell } of SPECIFICATIONS) {
        if (neighbour === undefined || neighbour[cell] === version[cell]) continue;
        it(`that fails when ${cell} of version ${version.id} is that of version ${neighbour.id}`, () => {
          const wrong = { ...version, [cell]: neighbour[cell] };
          const fails = SPECIFICATIONS.filter((each) => each.cell === cell).some((each) => {
            try {
              assert.deepEqual(each.outcome(wrong), expectedIn(each, version));
              return false;
            } catch {
              return true;
            }
          });
          assert.ok(fails);
        });
      }
    }
  }
});
