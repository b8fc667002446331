import {
  type AuthCase,
  BANNED,
  CREATOR,
  eventIn,
  INVITED,
  judge,
  KNOCKER,
  MEMBER,
  MODERATOR,
  member,
  NO_SIGNATURES,
  REMOTE,
  type RoomShape,
  STRANGER,
  self,
  stateOf,
  withPower,
} from './auth-room.fixture.ts';
import { asEventId, asServerName, type UserId } from './identifiers.ts';
import type { RoomVersion } from './room-versions.ts';

/** Rules 5.1 to 5.3 and 5.8: the form of memberships, and joining. */

/** The event right after the create event. */
function first(sender: UserId, target: UserId) {
  return (version: RoomVersion) => ({
    ...member(sender, target, 'join')(version),
    prev_events: [stateOf(version)('m.room.create', '')?.event_id ?? asEventId('$none')],
  });
}

/** Whether a version has a join rule. */
function knows(joinRule: string): (version: RoomVersion) => boolean {
  return (version) => {
    if (joinRule === 'knock') return version.knocking;
    if (joinRule === 'restricted') return version.restrictedJoins;
    return joinRule !== 'knock_restricted' || version.knockRestrictedJoins;
  };
}

const vouchedBy = (user: string) => ({ join_authorised_via_users_server: user });
const signedBy = (server: string) => ({ isSignedBy: (asked: string) => asked === asServerName(server) });
const open: RoomShape = { joinRule: 'public' };
const empty: RoomShape = { power: null, members: { [CREATOR]: 'none' } };

const form: readonly AuthCase[] = [
  {
    rule: '5.1',
    name: 'no state key',
    verdict: 'no state key',
    event: (version) => eventIn(version, 'm.room.member', MEMBER, { membership: 'join' }),
  },
  {
    rule: '5.1',
    name: 'no membership',
    verdict: 'has no membership',
    event: (version) => eventIn(version, 'm.room.member', MEMBER, {}, { state_key: MEMBER }),
  },
  { rule: '5.1', name: 'both', verdict: 'allowed', event: self(MEMBER, 'leave') },
  { rule: '5.8', name: 'another membership', verdict: 'unknown', event: self(MEMBER, 'dance') },
  {
    rule: '5.8',
    name: 'knock, where nobody can',
    verdict: 'no knocking',
    event: self(STRANGER, 'knock'),
    room: { joinRule: 'knock' },
    versions: (version) => !version.knocking,
  },
  { rule: '5.8', name: 'a known one', verdict: 'allowed', event: self(MEMBER, 'leave') },
  {
    rule: '5.2.1',
    name: 'vouched for and signed',
    verdict: 'allowed',
    event: self(STRANGER, 'join', vouchedBy(REMOTE)),
    room: { joinRule: 'restricted' },
    context: signedBy('two'),
  },
  {
    rule: '5.2.1',
    name: 'vouched for, signed by another server',
    verdict: 'has not signed',
    event: self(STRANGER, 'join', vouchedBy(REMOTE)),
    room: { joinRule: 'restricted' },
    context: signedBy('one'),
  },
  {
    rule: '5.2.1',
    name: 'the key stands in a membership that needs it not',
    verdict: 'has not signed',
    event: self(MEMBER, 'leave', vouchedBy(REMOTE)),
  },
  {
    rule: '5.2.1',
    name: 'vouched for by no user ID',
    verdict: 'has not signed',
    event: self(STRANGER, 'join', vouchedBy('two')),
    room: open,
    context: { isSignedBy: () => true },
  },
];

const join: readonly AuthCase[] = [
  {
    rule: '5.3.1',
    name: 'the creator joins first',
    verdict: 'allowed',
    event: first(CREATOR, CREATOR),
    room: empty,
  },
  {
    rule: '5.3.1',
    name: 'another joins first',
    verdict: 'by invitation',
    event: first(STRANGER, STRANGER),
    room: empty,
  },
  {
    rule: '5.3.1',
    name: 'the creator joins later',
    verdict: 'by invitation',
    event: self(CREATOR, 'join'),
    room: empty,
  },
  {
    rule: '5.3.1',
    name: 'the creator joins after create and another event',
    verdict: 'by invitation',
    event: (version) => {
      const event = first(CREATOR, CREATOR)(version);
      return { ...event, prev_events: [...event.prev_events, asEventId('$other')] };
    },
    room: empty,
  },
  {
    rule: '5.3.1',
    name: 'an additional creator joins first',
    verdict: 'by invitation',
    event: first(STRANGER, STRANGER),
    room: { ...empty, create: { additional_creators: [STRANGER] } },
  },
  {
    rule: '5.3.2',
    name: 'for another',
    verdict: 'join for another',
    event: member(MEMBER, STRANGER, 'join'),
    room: open,
  },
  { rule: '5.3.2', name: 'for oneself', verdict: 'allowed', event: self(STRANGER, 'join'), room: open },
  { rule: '5.3.3', name: 'banned', verdict: 'banned', event: self(BANNED, 'join'), room: open },
  ...['invite', 'knock'].flatMap((joinRule): AuthCase[] => [
    {
      rule: '5.3.4',
      name: `${joinRule}: invited`,
      verdict: 'allowed',
      event: self(INVITED, 'join'),
      room: { joinRule },
      versions: knows(joinRule),
    },
    {
      rule: '5.3.4',
      name: `${joinRule}: joined`,
      verdict: 'allowed',
      event: self(MEMBER, 'join'),
      room: { joinRule },
      versions: knows(joinRule),
    },
    {
      rule: '5.3.4',
      name: `${joinRule}: stranger`,
      verdict: 'by invitation',
      event: self(STRANGER, 'join'),
      room: { joinRule },
      versions: knows(joinRule),
    },
    {
      rule: '5.3.4',
      name: `${joinRule}: knocked`,
      verdict: 'by invitation',
      event: self(KNOCKER, 'join'),
      room: { joinRule },
      versions: knows(joinRule),
    },
  ]),
  { rule: '5.3.4', name: 'no rule is invite: invited', verdict: 'allowed', event: self(INVITED, 'join') },
  {
    rule: '5.3.4',
    name: 'no rule is invite: stranger',
    verdict: 'by invitation',
    event: self(STRANGER, 'join'),
  },
  ...['restricted', 'knock_restricted'].flatMap((joinRule): AuthCase[] => {
    const vouched = (name: string, verdict: string, by: string, room: RoomShape = {}): AuthCase => ({
      rule: '5.3.5.2',
      name: `${joinRule}: ${name}`,
      verdict,
      event: self(STRANGER, 'join', vouchedBy(by)),
      room: { joinRule, ...room },
      context: { isSignedBy: () => true },
      versions: knows(joinRule),
    });
    return [
      {
        rule: '5.3.5.1',
        name: `${joinRule}: invited`,
        verdict: 'allowed',
        event: self(INVITED, 'join'),
        room: { joinRule },
        versions: knows(joinRule),
      },
      {
        rule: '5.3.5.1',
        name: `${joinRule}: joined`,
        verdict: 'allowed',
        event: self(MEMBER, 'join'),
        room: { joinRule },
        versions: knows(joinRule),
      },
      {
        rule: '5.3.5.2',
        name: `${joinRule}: nobody vouches`,
        verdict: 'nobody vouches',
        event: self(STRANGER, 'join'),
        room: { joinRule },
        versions: knows(joinRule),
      },
      vouched('a stranger vouches', 'is not joined', '@nobody:one'),
      vouched('an invited user vouches', 'is not joined', INVITED),
      vouched('who may not invite vouches', 'may not invite', MEMBER, withPower({ invite: 1 })),
      { ...vouched('who may invite vouches', 'allowed', MEMBER), rule: '5.3.5.3' },
      {
        ...vouched('who just may invite vouches', 'allowed', MODERATOR, withPower({ invite: 50 })),
        rule: '5.3.5.3',
      },
    ];
  }),
  { rule: '5.3.6', name: 'public', verdict: 'allowed', event: self(STRANGER, 'join'), room: open },
  ...['knock', 'restricted', 'knock_restricted'].map(
    (joinRule): AuthCase => ({
      rule: '5.3.7',
      name: `${joinRule}, which this version does not know`,
      verdict: 'lets nobody in',
      event: self(INVITED, 'join', joinRule === 'knock' ? {} : vouchedBy(MEMBER)),
      room: { joinRule },
      context: { isSignedBy: () => true },
      versions: (version) => !knows(joinRule)(version),
    }),
  ),
  {
    rule: '5.3.7',
    name: 'private',
    verdict: 'lets nobody in',
    event: self(INVITED, 'join'),
    room: { joinRule: 'private' },
  },
  {
    rule: '5.3.7',
    name: 'unheard of',
    verdict: 'lets nobody in',
    event: self(MEMBER, 'join'),
    room: { joinRule: 'x' },
  },
];

judge([...form, ...join], () => NO_SIGNATURES);
