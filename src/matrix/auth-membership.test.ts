import {
  ADMIN,
  type AuthCase,
  BANNED,
  CREATOR,
  INVITED,
  judge,
  KNOCKER,
  MEMBER,
  MODERATOR,
  member,
  NO_SIGNATURES,
  REMOTE,
  STRANGER,
  self,
  withPower,
} from './auth-room.fixture.ts';

/** Rules 5.4 to 5.7: inviting, leaving, banning, knocking. Third-party invitations have a file of their own. */

const ALL_MEMBERSHIPS = { [CREATOR]: 'leave' };

const invite: readonly AuthCase[] = [
  { rule: '5.4.2', name: 'by a stranger', verdict: 'not joined', event: member(STRANGER, KNOCKER, 'invite') },
  {
    rule: '5.4.2',
    name: 'by an invited user',
    verdict: 'not joined',
    event: member(INVITED, STRANGER, 'invite'),
  },
  { rule: '5.4.3', name: 'of a member', verdict: 'joined or banned', event: member(ADMIN, MEMBER, 'invite') },
  {
    rule: '5.4.3',
    name: 'of a banned user',
    verdict: 'joined or banned',
    event: member(ADMIN, BANNED, 'invite'),
  },
  {
    rule: '5.4.4',
    name: 'at the default level',
    verdict: 'allowed',
    event: member(MEMBER, STRANGER, 'invite'),
  },
  { rule: '5.4.4', name: 'again', verdict: 'allowed', event: member(MEMBER, INVITED, 'invite') },
  { rule: '5.4.4', name: 'of who knocked', verdict: 'allowed', event: member(MEMBER, KNOCKER, 'invite') },
  {
    rule: '5.4.4',
    name: 'at the level',
    verdict: 'allowed',
    event: member(MODERATOR, STRANGER, 'invite'),
    room: withPower({ invite: 50 }),
  },
  {
    rule: '5.4.5',
    name: 'below the level',
    verdict: 'below the invite level',
    event: member(MODERATOR, STRANGER, 'invite'),
    room: withPower({ invite: 51 }),
  },
];

const leave: readonly AuthCase[] = [
  { rule: '5.5.1', name: 'a member leaves', verdict: 'allowed', event: self(MEMBER, 'leave') },
  { rule: '5.5.1', name: 'an invited user declines', verdict: 'allowed', event: self(INVITED, 'leave') },
  {
    rule: '5.5.1',
    name: 'who knocked takes it back',
    verdict: 'allowed',
    event: self(KNOCKER, 'leave'),
    versions: (version) => version.knocking,
  },
  {
    rule: '5.5.1',
    name: 'who knocked where nobody can',
    verdict: 'cannot leave',
    event: self(KNOCKER, 'leave'),
    versions: (version) => !version.knocking,
  },
  { rule: '5.5.1', name: 'a banned user', verdict: 'cannot leave', event: self(BANNED, 'leave') },
  { rule: '5.5.1', name: 'a stranger', verdict: 'cannot leave', event: self(STRANGER, 'leave') },
  {
    rule: '5.5.1',
    name: 'who has left',
    verdict: 'cannot leave',
    event: self(CREATOR, 'leave'),
    room: { members: ALL_MEMBERSHIPS },
  },
  {
    rule: '5.5.2',
    name: 'a stranger kicks',
    verdict: 'sender is not joined',
    event: member(STRANGER, MEMBER, 'leave'),
  },
  {
    rule: '5.5.3',
    name: 'unban below the ban level',
    verdict: 'below the ban level',
    event: member(MODERATOR, BANNED, 'leave'),
    room: withPower({ ban: 51, kick: 0 }),
  },
  {
    rule: '5.5.3',
    name: 'kick below the ban level',
    verdict: 'allowed',
    event: member(MODERATOR, MEMBER, 'leave'),
    room: withPower({ ban: 51, kick: 0 }),
  },
  {
    rule: '5.5.3',
    name: 'unban at the ban level',
    verdict: 'allowed',
    event: member(MODERATOR, BANNED, 'leave'),
  },
  { rule: '5.5.4', name: 'at the kick level', verdict: 'allowed', event: member(MODERATOR, MEMBER, 'leave') },
  {
    rule: '5.5.4',
    name: 'unban below the kick level',
    verdict: 'below the kick level',
    event: member(MODERATOR, BANNED, 'leave'),
    room: withPower({ kick: 51 }),
  },
  {
    rule: '5.5.5',
    name: 'below the kick level',
    verdict: 'below the kick level',
    event: member(MODERATOR, MEMBER, 'leave'),
    room: withPower({ kick: 51 }),
  },
  {
    rule: '5.5.5',
    name: 'of an equal',
    verdict: "not below the sender's",
    event: member(MODERATOR, REMOTE, 'leave'),
    room: withPower({ users: { [MODERATOR]: 50, [REMOTE]: 50 } }),
  },
  {
    rule: '5.5.5',
    name: 'of one above',
    verdict: "not below the sender's",
    event: member(MODERATOR, ADMIN, 'leave'),
  },
  {
    rule: '5.5.4',
    name: 'a creator kicks the highest',
    verdict: 'allowed',
    event: member(CREATOR, ADMIN, 'leave'),
    room: withPower({ users: { [ADMIN]: Number.MAX_SAFE_INTEGER } }),
    versions: ['12'],
  },
  {
    rule: '5.5.5',
    name: 'the highest kicks a creator',
    verdict: "not below the sender's",
    event: member(ADMIN, CREATOR, 'leave'),
    room: withPower({ users: { [ADMIN]: Number.MAX_SAFE_INTEGER } }),
    versions: ['12'],
  },
  {
    rule: '5.5.5',
    name: 'a creator kicks a creator',
    verdict: "not below the sender's",
    event: member(CREATOR, MEMBER, 'leave'),
    room: { create: { additional_creators: [MEMBER] } },
    versions: ['12'],
  },
];

const ban: readonly AuthCase[] = [
  {
    rule: '5.6.1',
    name: 'by a stranger',
    verdict: 'sender is not joined',
    event: member(STRANGER, MEMBER, 'ban'),
  },
  { rule: '5.6.2', name: 'at the ban level', verdict: 'allowed', event: member(MODERATOR, MEMBER, 'ban') },
  { rule: '5.6.2', name: 'of a stranger', verdict: 'allowed', event: member(MODERATOR, STRANGER, 'ban') },
  {
    rule: '5.6.3',
    name: 'below the ban level',
    verdict: 'below the ban level',
    event: member(MODERATOR, MEMBER, 'ban'),
    room: withPower({ ban: 51 }),
  },
  {
    rule: '5.6.3',
    name: 'of an equal',
    verdict: "not below the sender's",
    event: member(MODERATOR, MODERATOR, 'ban'),
  },
  {
    rule: '5.6.3',
    name: 'of one above',
    verdict: "not below the sender's",
    event: member(MODERATOR, ADMIN, 'ban'),
  },
];

const knock: readonly AuthCase[] = [
  ...['knock', 'knock_restricted'].map(
    (joinRule): AuthCase => ({
      rule: '5.7.3',
      name: `${joinRule}: a stranger`,
      verdict: 'allowed',
      event: self(STRANGER, 'knock'),
      room: { joinRule },
      versions: (version) => joinRule === 'knock' || version.knockRestrictedJoins,
    }),
  ),
  {
    rule: '5.7.1',
    name: 'the rule is knock_restricted, before version 10',
    verdict: 'does not let people knock',
    event: self(STRANGER, 'knock'),
    room: { joinRule: 'knock_restricted' },
    versions: (version) => !version.knockRestrictedJoins,
  },
  ...['public', 'invite', 'restricted', 'private'].map(
    (joinRule): AuthCase => ({
      rule: '5.7.1',
      name: `the rule is ${joinRule}`,
      verdict: 'does not let people knock',
      event: self(STRANGER, 'knock'),
      room: { joinRule },
    }),
  ),
  {
    rule: '5.7.2',
    name: 'for another',
    verdict: 'knock for another',
    event: member(MEMBER, STRANGER, 'knock'),
    room: { joinRule: 'knock' },
  },
  {
    rule: '5.7.3',
    name: 'again',
    verdict: 'allowed',
    event: self(KNOCKER, 'knock'),
    room: { joinRule: 'knock' },
  },
  ...[BANNED, INVITED, MEMBER].map(
    (user): AuthCase => ({
      rule: '5.7.4',
      name: user,
      verdict: 'cannot knock',
      event: self(user, 'knock'),
      room: { joinRule: 'knock' },
    }),
  ),
];

judge([...invite, ...leave, ...ban, ...knock], () => NO_SIGNATURES);
