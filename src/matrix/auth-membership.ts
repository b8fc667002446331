import {
  type AuthorisableEvent,
  joinRuleOf,
  membershipOf,
  type StateEvent,
  type StateLookup,
} from './auth-state.ts';
import { checkThirdPartyInvite } from './auth-third-party-invite.ts';
import { ALLOWED, type AuthVerdict, rejected } from './auth-verdict.ts';
import { referencedId } from './event.ts';
import { parseUserId, type ServerName, serverOf } from './identifiers.ts';
import { ownString, ownValue } from './json.ts';
import type { PowerLevels } from './power-levels.ts';
import { creatorsOf } from './room-creators.ts';
import type { RoomVersion } from './room-versions.ts';
import type { Verifier } from './signing.ts';

/**
 * Memberships: authorisation rule 5. The numbers are those of version 12; `ruleIn` in `auth-room.fixture.ts` says
 * which they have in others.
 */

/** All that the rules about memberships look at. */
export interface MembershipCheck {
  readonly version: RoomVersion;
  readonly event: AuthorisableEvent;
  readonly create: StateEvent;
  readonly state: StateLookup;
  readonly levels: PowerLevels;
  readonly verifier: Verifier;
  readonly isSignedBy: (server: ServerName) => boolean;
}

/** Judges an `m.room.member` event. */
export function checkMembership(check: MembershipCheck): AuthVerdict {
  const { event, version } = check;
  const target = event.state_key;
  const membership = ownString(event.content, 'membership');
  if (target === undefined) return rejected('a membership has no state key');
  if (membership === undefined) return rejected('a membership event has no membership');
  const unsigned = unsignedAuthorisation(check);
  if (unsigned !== undefined) return rejected(unsigned);
  switch (membership) {
    case 'join':
      return checkJoin(check, target);
    case 'invite':
      return checkInvite(check, target);
    case 'leave':
      return checkLeave(check, target);
    case 'ban':
      return checkBan(check, target);
    case 'knock':
      return version.knocking ? checkKnock(check, target) : rejected('this room version has no knocking');
    default:
      return rejected('the membership is unknown');
  }
}

/** 5.2: who vouches for a restricted join has signed it. */
function unsignedAuthorisation({ version, event, isSignedBy }: MembershipCheck): string | undefined {
  const authoriser = ownValue(event.content, 'join_authorised_via_users_server');
  if (!version.restrictedJoins || authoriser === undefined) return undefined;
  const user = typeof authoriser === 'string' ? parseUserId(authoriser) : undefined;
  const signed = user !== undefined && isSignedBy(serverOf(user));
  return signed ? undefined : 'the server of the authorising user has not signed this';
}

/** 5.3 */
function checkJoin(check: MembershipCheck, target: string): AuthVerdict {
  const { version, event, create, state } = check;
  const [first, ...others] = event.prev_events.map(referencedId);
  const isFirst = others.length === 0 && first === create.event_id;
  if (isFirst && target === creatorsOf(version, create)[0]) return ALLOWED;
  if (event.sender !== target) return rejected('nobody can join for another');
  const present = membershipOf(state, target);
  if (present === 'ban') return rejected('the sender is banned');
  const isMember = present === 'join' || present === 'invite';
  const rule = joinRuleOf(state);
  if (rule === 'public') return ALLOWED;
  if (rule === 'invite' || (rule === 'knock' && version.knocking)) {
    return isMember ? ALLOWED : rejected('the room is joined by invitation');
  }
  if (isRestricted(version, rule)) return isMember ? ALLOWED : checkAuthoriser(check);
  return rejected('the join rule lets nobody in');
}

function isRestricted(version: RoomVersion, rule: string): boolean {
  return (
    (rule === 'restricted' && version.restrictedJoins) ||
    (rule === 'knock_restricted' && version.knockRestrictedJoins)
  );
}

/** 5.3.5.2: a joined member who may invite vouches for the join. */
function checkAuthoriser({ event, state, levels }: MembershipCheck): AuthVerdict {
  const authoriser = ownString(event.content, 'join_authorised_via_users_server');
  if (authoriser === undefined) return rejected('nobody vouches for the restricted join');
  if (membershipOf(state, authoriser) !== 'join') return rejected('who vouches for the join is not joined');
  if (levels.of(authoriser) < levels.invite) return rejected('who vouches for the join may not invite');
  return ALLOWED;
}

/** 5.4 */
function checkInvite(check: MembershipCheck, target: string): AuthVerdict {
  const { event, state, levels, verifier } = check;
  if (ownValue(event.content, 'third_party_invite') !== undefined) {
    return checkThirdPartyInvite(event, target, state, verifier);
  }
  if (membershipOf(state, event.sender) !== 'join') return rejected('the sender is not joined');
  const present = membershipOf(state, target);
  if (present === 'join' || present === 'ban') return rejected('the invited user is joined or banned');
  if (levels.of(event.sender) >= levels.invite) return ALLOWED;
  return rejected("the sender's power level is below the invite level");
}

/** 5.5: leaving, declining, kicking, unbanning. */
function checkLeave({ version, event, state, levels }: MembershipCheck, target: string): AuthVerdict {
  const present = membershipOf(state, target);
  if (event.sender === target) {
    const canLeave = present === 'invite' || present === 'join' || (present === 'knock' && version.knocking);
    return canLeave ? ALLOWED : rejected('who is not in the room cannot leave it');
  }
  if (membershipOf(state, event.sender) !== 'join') return rejected('the sender is not joined');
  const own = levels.of(event.sender);
  if (present === 'ban' && own < levels.ban)
    return rejected("the sender's power level is below the ban level");
  if (own < levels.kick) return rejected("the sender's power level is below the kick level");
  if (levels.of(target) < own) return ALLOWED;
  return rejected("the user's power level is not below the sender's");
}

/** 5.6 */
function checkBan({ event, state, levels }: MembershipCheck, target: string): AuthVerdict {
  if (membershipOf(state, event.sender) !== 'join') return rejected('the sender is not joined');
  const own = levels.of(event.sender);
  if (own < levels.ban) return rejected("the sender's power level is below the ban level");
  if (levels.of(target) < own) return ALLOWED;
  return rejected("the user's power level is not below the sender's");
}

/** 5.7 */
function checkKnock({ version, event, state }: MembershipCheck, target: string): AuthVerdict {
  const rule = joinRuleOf(state);
  const canKnock = rule === 'knock' || (rule === 'knock_restricted' && version.knockRestrictedJoins);
  if (!canKnock) return rejected('the join rule does not let people knock');
  if (event.sender !== target) return rejected('nobody can knock for another');
  const present = membershipOf(state, target);
  const isBarred = present === 'ban' || present === 'invite' || present === 'join';
  return isBarred ? rejected('who is invited, joined or banned cannot knock') : ALLOWED;
}
