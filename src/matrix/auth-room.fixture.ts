import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthContext, checkAuth } from './auth-rules.ts';
import type { AuthorisableEvent, StateEvent, StateLookup } from './auth-state.ts';
import { asEventId, asRoomId, asUserId, type UserId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';

/** A small room, and tables of cases about it, for the tests of the authorisation rules. */

/** Made the room; a privileged creator in version 12. */
export const CREATOR = asUserId('@creator:one');
/** Level 100 where there are power levels. */
export const ADMIN = asUserId('@admin:one');
/** Level 50. */
export const MODERATOR = asUserId('@moderator:one');
/** Joined, at the default level. */
export const MEMBER = asUserId('@member:one');
/** Joined, at the default level, of another server. */
export const REMOTE = asUserId('@remote:two');
/** Invited. */
export const INVITED = asUserId('@invited:one');
/** Has knocked. */
export const KNOCKER = asUserId('@knocker:one');
/** Banned. */
export const BANNED = asUserId('@banned:one');
/** Was never in the room. */
export const STRANGER = asUserId('@stranger:one');

const HASH = 'lVEL38waGAf4ggmWC3OVk_bbx8kZx-iOcTBKXTBnM54';

/** What differs from the usual room. */
export interface RoomShape {
  readonly create?: JsonObject;
  /** Content of the power levels; null: there is no such event. */
  readonly power?: JsonObject | null;
  readonly joinRule?: string;
  readonly members?: Readonly<Record<string, string>>;
  /** More state: by type, by state key. */
  readonly more?: Readonly<Record<string, Readonly<Record<string, { sender: UserId; content: JsonObject }>>>>;
}

/** The usual power levels; in version 12 the creator may not be in them. */
export function usualPower(version: RoomVersion): JsonObject {
  const users = { [ADMIN]: 100, [MODERATOR]: 50 };
  return { users: version.creatorsPrivileged ? users : { ...users, [CREATOR]: 100 } };
}

/** The state of a room of this version and shape. */
export function stateOf(version: RoomVersion, shape: RoomShape = {}): StateLookup {
  const entries = new Map<string, StateEvent>();
  const put = (type: string, key: string, sender: UserId, content: JsonObject): void => {
    const event_id = asEventId(type === 'm.room.create' ? `$${HASH}` : `$${type}:${key}`);
    entries.set(JSON.stringify([type, key]), { event_id, sender, content });
  };
  const creator = version.creatorIn === 'content' ? { creator: CREATOR } : {};
  put('m.room.create', '', CREATOR, { room_version: version.id, ...creator, ...shape.create });
  if (shape.power !== null) put('m.room.power_levels', '', CREATOR, shape.power ?? usualPower(version));
  if (shape.joinRule !== undefined) put('m.room.join_rules', '', CREATOR, { join_rule: shape.joinRule });
  const joined = [CREATOR, ADMIN, MODERATOR, MEMBER, REMOTE].map((user) => [user, 'join'] as const);
  const others = { [INVITED]: 'invite', [KNOCKER]: 'knock', [BANNED]: 'ban', ...shape.members };
  for (const [user, membership] of [...joined, ...Object.entries(others)]) {
    put('m.room.member', user, asUserId(user), { membership });
  }
  for (const [type, byKey] of Object.entries(shape.more ?? {})) {
    for (const [key, event] of Object.entries(byKey)) put(type, key, event.sender, event.content);
  }
  return (type, key) => entries.get(JSON.stringify([type, key]));
}

/** The ID of the room in this version. */
export function roomIdIn(version: RoomVersion) {
  return asRoomId(version.roomIds === 'create-hash' ? `!${HASH}` : '!room:one');
}

/** An event in the room; `more` replaces what is given here. */
export function eventIn(
  version: RoomVersion,
  type: string,
  sender: UserId,
  content: JsonObject,
  more: Partial<AuthorisableEvent> = {},
): AuthorisableEvent {
  return { room_id: roomIdIn(version), type, sender, content, prev_events: [asEventId('$before')], ...more };
}

/** A membership event about `target`. */
export function member(sender: UserId, target: UserId, membership: string, more: JsonObject = {}) {
  const content = { membership, ...more };
  return (version: RoomVersion) => eventIn(version, 'm.room.member', sender, content, { state_key: target });
}

/** A membership event of a user about itself. */
export function self(user: UserId, membership: string, more: JsonObject = {}) {
  return member(user, user, membership, more);
}

/** A room with the usual users and these levels. */
export function withPower(levels: JsonObject): RoomShape {
  return { power: { users: { [ADMIN]: 100, [MODERATOR]: 50 }, ...levels } };
}

/** One case: what `event` is judged in a room of this shape. */
export interface AuthCase {
  /** The rule's number in version 12, or `OLD_ALIASES`, `OLD_REDACTIONS`. */
  readonly rule: string;
  readonly name: string;
  /** `allowed`, or a part of the reason why not. */
  readonly verdict: string;
  readonly event: (version: RoomVersion) => AuthorisableEvent;
  readonly room?: RoomShape | ((version: RoomVersion) => RoomShape);
  readonly context?: Partial<AuthContext>;
  /** The versions it is about; all that have the rule, where absent. */
  readonly versions?: readonly string[] | ((version: RoomVersion) => boolean);
}

/** Rules that version 12 has no more: 4 of versions 1 to 5, 11 of versions 1 and 2. */
export const OLD_ALIASES = 'aliases';
export const OLD_REDACTIONS = 'redactions';

/** The number that a rule of version 12 has in another version; undefined where that has no such rule. */
export function ruleIn(version: RoomVersion, rule: string): string | undefined {
  if (rule === OLD_ALIASES) return version.aliasesRule ? '4' : undefined;
  if (rule === OLD_REDACTIONS) return version.redactionsJudged === 'by-auth-rules' ? '11' : undefined;
  if (version.creatorsPrivileged) return rule;
  const [first = 0, second, ...rest] = rule.split('.').map(Number);
  if (first === 1) return second === 4 ? undefined : rule;
  if (first === 2) return undefined;
  const below = subRuleIn(version, first, second, rest);
  if (below === undefined) return undefined;
  // Rule 2 is of version 12; up to version 5 the one about aliases stands before memberships, up to version 2 the
  // one about redactions before the last.
  const aliases = version.aliasesRule && first >= 5 ? 1 : 0;
  const redactions = version.redactionsJudged === 'by-auth-rules' && first >= 11 ? 1 : 0;
  return [first - 1 + aliases + redactions, ...below].join('.');
}

function subRuleIn(
  version: RoomVersion,
  first: number,
  second: number | undefined,
  rest: readonly number[],
): readonly number[] | undefined {
  if (second === undefined) return [];
  if (first === 10) {
    const isFormRule = second <= 2;
    if (second === 4 || (isFormRule && version.powerLevelValues !== 'integers')) return undefined;
    const lacking = (version.powerLevelValues === 'integers' ? 0 : 2) + (second > 4 ? 1 : 0);
    return [second - lacking, ...rest];
  }
  if (first !== 5 || version.restrictedJoins) return [second, ...rest];
  const [third, ...others] = rest;
  const isRestrictedJoin = second === 3 && third === 5;
  if (second === 2 || isRestrictedJoin || (second === 7 && !version.knocking)) return undefined;
  const shifted = second - (second > 2 ? 1 : 0) - (second > 7 && !version.knocking ? 1 : 0);
  if (third === undefined) return [shifted];
  return [shifted, second === 3 && third > 5 ? third - 1 : third, ...others];
}

/** Runs the cases in each room version that has their rule. */
export function judge(cases: readonly AuthCase[], context: () => AuthContext): void {
  for (const version of ROOM_VERSIONS) {
    describe(`version ${version.id}`, () => {
      for (const each of cases) {
        const number = ruleIn(version, each.rule);
        if (number === undefined || !isAbout(each, version)) continue;
        it(`rule ${number}: ${each.name}: ${each.verdict}`, () => {
          const shape = typeof each.room === 'function' ? each.room(version) : each.room;
          const state = stateOf(version, shape);
          const verdict = checkAuth(version, each.event(version), state, { ...context(), ...each.context });
          const told = verdict.allowed ? 'allowed' : verdict.reason;
          assert.ok(each.verdict === told || (!verdict.allowed && told.includes(each.verdict)), told);
        });
      }
    });
  }
}

function isAbout({ versions }: AuthCase, version: RoomVersion): boolean {
  if (versions === undefined) return true;
  return typeof versions === 'function' ? versions(version) : versions.includes(version.id);
}

/** Refuses every signature. */
export const NO_SIGNATURES: AuthContext = { verifier: { verify: () => false }, isSignedBy: () => false };
