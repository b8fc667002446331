import {
  type AuthCase,
  BANNED,
  eventIn,
  judge,
  MEMBER,
  MODERATOR,
  NO_SIGNATURES,
  OLD_ALIASES,
  OLD_REDACTIONS,
  REMOTE,
  STRANGER,
  withPower,
} from './auth-room.fixture.ts';
import { asEventId, type UserId } from './identifiers.ts';
import type { RoomVersion } from './room-versions.ts';

/** Rules that later versions have given up: who may publish aliases, and who may redact. */

function aliases(sender: UserId, key?: string) {
  const more = key === undefined ? {} : { state_key: key };
  return (version: RoomVersion) => eventIn(version, 'm.room.aliases', sender, { aliases: ['#a:one'] }, more);
}

const published: readonly AuthCase[] = [
  { rule: OLD_ALIASES, name: 'no state key', verdict: 'no state key', event: aliases(MEMBER) },
  { rule: OLD_ALIASES, name: "another server's", verdict: "another server's", event: aliases(MEMBER, 'two') },
  { rule: OLD_ALIASES, name: 'no server at all', verdict: "another server's", event: aliases(MODERATOR, '') },
  { rule: OLD_ALIASES, name: "the own server's", verdict: 'allowed', event: aliases(MEMBER, 'one') },
  { rule: OLD_ALIASES, name: 'by who is no member', verdict: 'allowed', event: aliases(STRANGER, 'one') },
  { rule: OLD_ALIASES, name: 'by who is banned', verdict: 'allowed', event: aliases(BANNED, 'one') },
  {
    rule: '8',
    name: 'aliases are state like any other',
    verdict: 'what the event type needs',
    event: aliases(MEMBER, 'one'),
    versions: (version) => !version.aliasesRule,
  },
  {
    rule: '6',
    name: 'aliases are for members',
    verdict: 'not joined',
    event: aliases(STRANGER, 'one'),
    versions: (version) => !version.aliasesRule,
  },
];

function redaction(sender: UserId, id: string, redacts: string) {
  const more = { event_id: asEventId(id), redacts: asEventId(redacts) };
  return (version: RoomVersion) => eventIn(version, 'm.room.redaction', sender, {}, more);
}

const BELOW = 'below the redact level';
const redactions: readonly AuthCase[] = [
  {
    rule: OLD_REDACTIONS,
    name: 'the level',
    verdict: 'allowed',
    event: redaction(MODERATOR, '$a:one', '$b:two'),
  },
  {
    rule: OLD_REDACTIONS,
    name: 'another level',
    verdict: BELOW,
    event: redaction(MODERATOR, '$a:one', '$b:two'),
    room: withPower({ redact: 51 }),
  },
  {
    rule: OLD_REDACTIONS,
    name: 'one server',
    verdict: 'allowed',
    event: redaction(MEMBER, '$a:one', '$b:one'),
  },
  {
    rule: OLD_REDACTIONS,
    name: 'another server',
    verdict: BELOW,
    event: redaction(MEMBER, '$a:one', '$b:two'),
  },
  {
    rule: OLD_REDACTIONS,
    name: "what counts are the IDs' servers",
    verdict: BELOW,
    event: redaction(REMOTE, '$a:two', '$b:one'),
  },
  {
    rule: OLD_REDACTIONS,
    name: 'IDs without a server',
    verdict: BELOW,
    event: redaction(MEMBER, '$a', '$b'),
  },
  {
    rule: '6',
    name: 'a redaction by who is no member',
    verdict: 'not joined',
    event: redaction(STRANGER, '$a:one', '$b:one'),
  },
  {
    rule: '11',
    name: "a redaction of another server's event, which may not apply",
    verdict: 'allowed',
    event: redaction(MEMBER, '$a:one', '$b:two'),
    versions: (version) => version.redactionsJudged === 'when-applied',
  },
];

judge([...published, ...redactions], () => NO_SIGNATURES);
