import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CREATOR, eventIn, NO_SIGNATURES, roomIdIn } from './auth-room.fixture.ts';
import { checkAuth } from './auth-rules.ts';
import { type AuthorisableEvent, membershipOf, type StateEvent, type StateLookup } from './auth-state.ts';
import { createEventIdOf } from './hashes.ts';
import { asEventId, asUserId, type UserId } from './identifiers.ts';
import { type JsonObject, ownObject, ownString, ownValue } from './json.ts';
import { levelValue, type PowerLevels, powerLevels } from './power-levels.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';

/**
 * Rooms that grow by chance: everybody tries everything, what is allowed happens. Whatever came before, some
 * things must never be allowed.
 */

const SECOND_CREATOR = asUserId('@second:one');
const USERS = [CREATOR, SECOND_CREATOR, ...['@a:one', '@b:one', '@c:two'].map(asUserId)];
const MEMBERSHIPS = ['join', 'invite', 'leave', 'ban', 'knock'];
const JOIN_RULES = ['public', 'invite', 'knock', 'restricted', 'knock_restricted', 'private'];

interface Attempt {
  readonly type: string;
  readonly sender: UserId;
  readonly state_key?: string;
  readonly content: JsonObject;
}

const user = fc.constantFrom(...USERS);
/** Who tries something: the creator as often as all others, lest the rooms die early. */
const actor = fc.oneof(fc.constant(CREATOR), user);
const level = fc.constantFrom(-1, 0, 1, 49, 50, 51, 99, 100, 101);
const levelsOf = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), level, { maxKeys: 3 });

const membership: fc.Arbitrary<Attempt> = fc
  .record({
    sender: actor,
    target: fc.option(user),
    membership: fc.constantFrom(...MEMBERSHIPS),
    by: fc.option(user),
  })
  .map(({ sender, target, membership: named, by }) => ({
    type: 'm.room.member',
    sender,
    state_key: target ?? sender,
    content: { membership: named, ...(by === null ? {} : { join_authorised_via_users_server: by }) },
  }));
const power: fc.Arbitrary<Attempt> = fc
  .record({
    sender: actor,
    users: levelsOf(USERS),
    events: levelsOf(['m.room.message', 'm.room.topic', 'm.room.power_levels']),
    rest: levelsOf(['users_default', 'events_default', 'state_default', 'ban', 'kick', 'invite', 'redact']),
  })
  .map(({ sender, users, events, rest }) => ({
    type: 'm.room.power_levels',
    sender,
    state_key: '',
    content: { ...rest, users, events },
  }));
const joinRules: fc.Arbitrary<Attempt> = fc
  .record({ sender: actor, join_rule: fc.constantFrom(...JOIN_RULES) })
  .map(({ sender, join_rule }) => ({
    type: 'm.room.join_rules',
    sender,
    state_key: '',
    content: { join_rule },
  }));
const anything: fc.Arbitrary<Attempt> = fc
  .record({ sender: actor, key: fc.constantFrom(undefined, '', ...USERS) })
  .map(({ sender, key }) => ({
    type: 'm.room.topic',
    sender,
    content: {},
    ...(key === undefined ? {} : { state_key: key }),
  }));
const attempts = fc.array(
  fc.oneof({ weight: 6, arbitrary: membership }, { weight: 3, arbitrary: power }, joinRules, anything),
  { minLength: 30, maxLength: 60 },
);

/** What is known when an event was allowed: the state and levels before it. */
interface Happening {
  readonly version: RoomVersion;
  readonly event: AuthorisableEvent;
  readonly state: StateLookup;
  readonly levels: PowerLevels;
  readonly own: number;
}

/** Before version 12 a creator that is not among the users loses all power, and the room dies early. */
function keepingCreator(version: RoomVersion, content: JsonObject): JsonObject {
  if (version.creatorsPrivileged) return content;
  return { ...content, users: { ...ownObject(content, 'users'), [CREATOR]: 100 } };
}

/** Lets the attempts happen in a new room and calls `happened` with each that is allowed. Counts them. */
function play(version: RoomVersion, list: readonly Attempt[], happened: (each: Happening) => void): number {
  const entries = new Map<string, StateEvent>();
  const state: StateLookup = (type, key) => entries.get(JSON.stringify([type, key]));
  const put = (type: string, key: string, sender: UserId, content: JsonObject): void => {
    const event_id = type === 'm.room.create' ? createEventIdOf(roomIdIn(version)) : asEventId('$x');
    entries.set(JSON.stringify([type, key]), { event_id, sender, content });
  };
  put('m.room.create', '', CREATOR, { creator: CREATOR, additional_creators: [SECOND_CREATOR] });
  for (const name of USERS) put('m.room.member', name, name, { membership: 'join' });
  put('m.room.join_rules', '', CREATOR, { join_rule: 'public' });
  let count = 0;
  for (const { type, sender, content: said, state_key } of list) {
    const content = type === 'm.room.power_levels' ? keepingCreator(version, said) : said;
    const event = eventIn(version, type, sender, content, state_key === undefined ? {} : { state_key });
    const verdict = checkAuth(version, event, state, { ...NO_SIGNATURES, isSignedBy: () => true });
    if (!verdict.allowed) continue;
    count += 1;
    const levels = powerLevels(version, state);
    happened({ version, event, state, levels, own: levels.of(sender) });
    if (state_key !== undefined) put(type, state_key, sender, content);
  }
  return count;
}

function never(name: string, isWrong: (each: Happening) => boolean): void {
  for (const version of ROOM_VERSIONS) {
    it(`${name}, version ${version.id}`, () => {
      fc.assert(
        fc.property(attempts, (list) => {
          play(version, list, (each) => assert.ok(!isWrong(each), JSON.stringify(each.event)));
        }),
        { numRuns: 150 },
      );
    });
  }
}

const isMember = ({ event }: Happening): boolean => event.type === 'm.room.member';
const named = ({ event }: Happening): string | undefined => ownString(event.content, 'membership');
const isBy = (user: string, { event }: Happening): boolean => event.sender === user;
const target = ({ event }: Happening): string => event.state_key ?? '';
const before = (each: Happening): string | undefined => membershipOf(each.state, target(each));

describe('it is never allowed', () => {
  never('that who is not joined does anything but change a membership', (each) => {
    return !isMember(each) && membershipOf(each.state, each.event.sender) !== 'join';
  });
  never('that a banned user does anything at all', (each) => {
    return membershipOf(each.state, each.event.sender) === 'ban';
  });
  never('to join or knock for another', (each) => {
    return isMember(each) && ['join', 'knock'].includes(named(each) ?? '') && !isBy(target(each), each);
  });
  never('to get from banned to anything but out', (each) => {
    return isMember(each) && before(each) === 'ban' && !['leave', 'ban'].includes(named(each) ?? '');
  });
  never('to kick or ban who stands as high as oneself or higher', (each) => {
    const acts = isMember(each) && ['leave', 'ban'].includes(named(each) ?? '') && !isBy(target(each), each);
    return acts && each.levels.of(target(each)) >= each.own;
  });
  never('to come into a room by invitation without one', (each) => {
    const rules = each.state('m.room.join_rules', '')?.content;
    const isClosed = ['invite', 'knock'].includes(ownString(rules ?? {}, 'join_rule') ?? '');
    return (
      isMember(each) && named(each) === 'join' && isClosed && !['invite', 'join'].includes(before(each) ?? '')
    );
  });
  never('to give anybody a level above the own', ({ version, event, own, levels, state }) => {
    if (event.type !== 'm.room.power_levels' || state('m.room.power_levels', '') === undefined) return false;
    const users = ownObject(event.content, 'users') ?? {};
    const raised = Object.entries(users).filter(([name, given]) => given !== levels.of(name));
    return raised.some(([, given]) => (levelValue(version, given) ?? 0) > own);
  });
  never(
    'to take a level from another who stands as high as oneself or higher',
    ({ version, event, own, state }) => {
      const present = state('m.room.power_levels', '');
      if (event.type !== 'm.room.power_levels' || present === undefined) return false;
      const then = ownObject(event.content, 'users') ?? {};
      return Object.entries(ownObject(present.content, 'users') ?? {}).some(([name, had]) => {
        const isChanged = ownValue(then, name) !== had;
        return isChanged && name !== event.sender && (levelValue(version, had) ?? 0) >= own;
      });
    },
  );
  never("to write another user's state", ({ event }) => {
    const key = event.state_key ?? '';
    return event.type !== 'm.room.member' && key.startsWith('@') && key !== event.sender;
  });
  never('to touch a creator where creators are privileged', (each) => {
    const { version, event } = each;
    const isCreator = (name: string): boolean => name === CREATOR || name === SECOND_CREATOR;
    if (!version.creatorsPrivileged) return false;
    if (event.type === 'm.room.power_levels') {
      return Object.keys(ownObject(event.content, 'users') ?? {}).some(isCreator);
    }
    const acts = isMember(each) && ['leave', 'ban'].includes(named(each) ?? '');
    return acts && isCreator(target(each)) && !isBy(target(each), each);
  });
});

it('and yet much is allowed: the rooms above live', () => {
  const seen = new Set<string>();
  let allowed = 0;
  const version = ROOM_VERSIONS.at(-1) ?? assert.fail();
  fc.assert(
    fc.property(attempts, (list) => {
      allowed += play(version, list, (each) => seen.add(named(each) ?? each.event.type));
    }),
    { numRuns: 100, seed: 1 },
  );
  assert.ok(allowed > 1000, `${allowed}`);
  assert.deepEqual(
    [...seen].sort(),
    [...MEMBERSHIPS, 'm.room.join_rules', 'm.room.power_levels', 'm.room.topic'].sort(),
  );
});
