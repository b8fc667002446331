import {
  ADMIN,
  type AuthCase,
  CREATOR,
  eventIn,
  judge,
  MEMBER,
  MODERATOR,
  NO_SIGNATURES,
  REMOTE,
  STRANGER,
} from './auth-room.fixture.ts';
import type { UserId } from './identifiers.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { levelValue } from './power-levels.ts';
import type { RoomVersion } from './room-versions.ts';

/** Rules about changes of power levels, named by their numbers. The sender may send them at level 50. */

function change(sender: UserId, to: JsonObject) {
  return (version: RoomVersion) => eventIn(version, 'm.room.power_levels', sender, to, { state_key: '' });
}

const USERS = { [ADMIN]: 100, [MODERATOR]: 50, [REMOTE]: 50 };
const NOW: JsonObject = {
  users: USERS,
  events: { high: 60, mid: 50, 'm.room.power_levels': 50 },
  notifications: { room: 60, mid: 50 },
};

function takesText({ powerLevelValues }: RoomVersion): boolean {
  return powerLevelValues !== 'integers';
}

/** A moderator (50) makes of the usual levels what is given here. */
function by50(rule: string, name: string, verdict: string, to: JsonObject, now: JsonObject = NOW): AuthCase {
  return { rule, name, verdict, event: change(MODERATOR, { ...now, ...to }), room: { power: now } };
}

const LEVELS = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'];
const NO_INTEGERS: readonly JsonValue[] = ['50', 50.5, null, true, [50], {}];

/** Versions that do not take this value for a level. */
function refuses(value: JsonValue): (version: RoomVersion) => boolean {
  return (version) => levelValue(version, value) === undefined;
}

const form: readonly AuthCase[] = [
  ...LEVELS.map((key) => by50('10.1', `${key} an integer`, 'allowed', { [key]: 50 })),
  ...LEVELS.flatMap((key) =>
    NO_INTEGERS.map((bad) =>
      by50('10.1', `${key} ${JSON.stringify(bad)}`, `${key} is not an integer`, { [key]: bad }),
    ),
  ),
  ...['events', 'notifications'].flatMap((map) => [
    ...[null, 5, 'x', [5]].map((bad) =>
      by50('10.2', `${map} ${JSON.stringify(bad)}`, `${map} is not an object of integers`, { [map]: bad }),
    ),
    ...NO_INTEGERS.map((bad) =>
      by50('10.2', `${map} with ${JSON.stringify(bad)}`, `${map} is not an object of integers`, {
        [map]: { a: bad },
      }),
    ),
    by50('10.2', `${map} of integers`, 'allowed', { [map]: { ...(NOW[map] as JsonObject), a: -5 } }),
  ]),
  ...[null, 5, [5]].map((bad) =>
    by50('10.3', `users ${JSON.stringify(bad)}`, 'users is not an object of integers', { users: bad }),
  ),
  ...NO_INTEGERS.map((bad) => ({
    ...by50('10.3', `users with ${JSON.stringify(bad)}`, 'users is not an object of integers', {
      users: { ...USERS, [MEMBER]: bad },
    }),
    versions: refuses(bad),
  })),
  ...['50', ' +050 ', '-1'].map((text) => ({
    ...by50('10.3', `users with ${JSON.stringify(text)}`, 'allowed', { users: { ...USERS, [MEMBER]: text } }),
    versions: takesText,
  })),
  ...['51', '0051'].map((text) => ({
    ...by50('10.10', `raised to ${JSON.stringify(text)}`, 'would be above', {
      users: { ...USERS, [MEMBER]: text },
    }),
    versions: takesText,
  })),
  {
    ...by50('10.10', 'raised to what 50 is left of', 'allowed', { users: { ...USERS, [MEMBER]: 50.9 } }),
    versions: (version) => version.powerLevelValues === 'numbers-or-strings',
  },
  ...['50.5', '5 0', '', '0x10', '1e2', '+-5'].map((text) =>
    by50('10.3', `users with ${JSON.stringify(text)}`, 'users is not an object of integers', {
      users: { ...USERS, [MEMBER]: text },
    }),
  ),
  ...['events', 'notifications', 'ban'].map((key) => ({
    ...by50('10.11', `${key} of another form`, 'allowed', { [key]: true }, { users: USERS }),
    versions: takesText,
  })),
  by50('10.3', 'users with no user ID', 'no user ID', { users: { ...USERS, member: 1 } }),
  by50('10.3', 'a historical user ID', 'allowed', { users: { ...USERS, '@Ü :one': 1 } }),
];

const creators: readonly AuthCase[] = [
  by50('10.4', 'the creator', 'a creator of the room', { users: { ...USERS, [CREATOR]: 0 } }),
  {
    rule: '10.4',
    name: 'an additional creator',
    verdict: 'a creator of the room',
    event: change(CREATOR, { users: { [REMOTE]: 100 } }),
    room: { create: { additional_creators: [REMOTE] }, power: null },
  },
  {
    rule: '10.4',
    name: 'a creator names others',
    verdict: 'allowed',
    event: change(CREATOR, { users: { [REMOTE]: Number.MAX_SAFE_INTEGER } }),
    room: { create: { additional_creators: [MEMBER] }, power: null },
  },
  {
    rule: '10.5',
    name: 'additional creators mean nothing before version 12',
    verdict: 'allowed',
    event: change(CREATOR, { users: { [CREATOR]: 100, [REMOTE]: 100 } }),
    room: { create: { additional_creators: [REMOTE] }, power: null },
    versions: (version) => !version.creatorsPrivileged,
  },
];

const changes: readonly AuthCase[] = [
  {
    rule: '10.5',
    name: 'the first power levels',
    verdict: 'allowed',
    event: change(CREATOR, { users: { [STRANGER]: 10_000 }, ban: 10_000, events: { x: 10_000 } }),
    room: { power: null },
  },
  ...LEVELS.flatMap((key) => [
    by50('10.6.1', `${key} is above`, 'is above', { [key]: 10 }, { ...NOW, [key]: 51 }),
    by50('10.6.1', `${key} is not above`, 'allowed', { [key]: 10 }, { ...NOW, [key]: 50 }),
    by50('10.6.2', `${key} would be above`, 'would be above', { [key]: 51 }, { ...NOW, [key]: 10 }),
    by50('10.6.2', `${key} added above`, 'would be above', { [key]: 51 }),
    by50('10.6.2', `${key} added at the level`, 'allowed', { [key]: 50 }),
  ]),
  {
    rule: '10.6.1',
    name: 'a level above is removed',
    verdict: 'kick is above',
    event: change(MODERATOR, NOW),
    room: { power: { ...NOW, kick: 51 } },
  },
  by50('10.6', 'a level above stays', 'allowed', {}, { ...NOW, kick: 99 }),
  ...['events', 'notifications'].flatMap((map) => {
    const high = map === 'events' ? 'high' : 'room';
    const cases = [
      by50('10.7', `${map}: one above is lowered`, 'is above', { [map]: { [high]: 50, mid: 50 } }),
      by50('10.7', `${map}: one above is removed`, 'is above', { [map]: { mid: 50 } }),
      by50('10.7', `${map}: one at the level is removed`, 'allowed', { [map]: { [high]: 60 } }),
      by50('10.7', `${map}: one at the level is lowered`, 'allowed', { [map]: { [high]: 60, mid: 0 } }),
      by50('10.8', `${map}: one is raised above`, 'would be above', { [map]: { [high]: 60, mid: 51 } }),
      by50('10.8', `${map}: one is added above`, 'would be above', {
        [map]: { [high]: 60, mid: 50, new: 51 },
      }),
      by50('10.8', `${map}: one is added at the level`, 'allowed', {
        [map]: { [high]: 60, mid: 50, new: 50 },
      }),
    ];
    const isJudged = (version: RoomVersion) => map === 'events' || version.notificationLevelsJudged;
    return cases.flatMap((each): AuthCase[] => [
      { ...each, versions: isJudged },
      { ...each, verdict: 'allowed', versions: (version) => !isJudged(version) },
    ]);
  }),
  by50('10.9', 'an equal is lowered', "not below the sender's", { users: { ...USERS, [REMOTE]: 49 } }),
  by50('10.9', 'an equal is removed', "not below the sender's", { users: { [ADMIN]: 100, [MODERATOR]: 50 } }),
  by50('10.9', 'one above is lowered', "not below the sender's", { users: { ...USERS, [ADMIN]: 0 } }),
  by50(
    '10.9',
    'one below is lowered',
    'allowed',
    { users: { ...USERS, [MEMBER]: 0 } },
    { ...NOW, users: { ...USERS, [MEMBER]: 49 } },
  ),
  by50('10.9', 'the sender steps down', 'allowed', { users: { ...USERS, [MODERATOR]: 49 } }),
  by50('10.9', 'the sender removes itself', 'allowed', { users: { [ADMIN]: 100, [REMOTE]: 50 } }),
  by50('10.10', 'one is raised above', 'would be above', { users: { ...USERS, [MEMBER]: 51 } }),
  by50('10.10', 'one is raised to the level', 'allowed', { users: { ...USERS, [MEMBER]: 50 } }),
  by50('10.10', 'the sender raises itself', 'would be above', { users: { ...USERS, [MODERATOR]: 51 } }),
  by50('10.11', 'nothing changes', 'allowed', {}),
  {
    rule: '10.6',
    name: 'a creator may change what is above everybody',
    verdict: 'allowed',
    event: change(CREATOR, { ban: Number.MAX_SAFE_INTEGER }),
    room: { power: { kick: Number.MAX_SAFE_INTEGER, users: { [ADMIN]: Number.MAX_SAFE_INTEGER } } },
    versions: ['12'],
  },
];

judge([...form, ...creators, ...changes], () => NO_SIGNATURES);
