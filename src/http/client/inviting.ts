import { MilenaError } from '../../errors/milena-error.ts';
import { parseUserId, serverOf, type UserId } from '../../matrix/identifiers.ts';
import { blocksInvites, INVITE_PERMISSION } from '../../matrix/invite-permission.ts';
import { type JsonObject, ownString } from '../../matrix/json.ts';
import type { ClientContext } from '../context.ts';

/**
 * Refuses who cannot be invited, whichever endpoint would do it (spec: client-server API, "Invite permission").
 * @throws MilenaError FORBIDDEN: an invitation to another server would never arrive; INVITE_BLOCKED
 */
export async function requireInvitable(context: ClientContext, userId: UserId): Promise<void> {
  if (serverOf(userId) !== context.serverName) {
    throw new MilenaError('FORBIDDEN', 'This server does not reach users of other servers yet.');
  }
  await context.freshness.user(userId);
  const permission = await context.reads.accounts.accountData(userId, null, INVITE_PERMISSION);
  if (permission !== undefined && blocksInvites(permission)) throw new MilenaError('INVITE_BLOCKED');
}

/**
 * Checks what the auth rules leave open of an `m.room.member` event that a client writes itself: its state key is a
 * user ID, and who is invited can be.
 * @throws MilenaError INVALID_PARAM, FORBIDDEN, INVITE_BLOCKED
 */
export async function requireMember(
  context: ClientContext,
  stateKey: string,
  content: JsonObject,
): Promise<void> {
  const userId = parseUserId(stateKey);
  if (userId === undefined) {
    throw new MilenaError('INVALID_PARAM', 'The state key of a membership must be a user ID.');
  }
  if (ownString(content, 'membership') === 'invite') await requireInvitable(context, userId);
}

/** The refusal of invitations by e-mail address or phone number. */
export function noThirdPartyInvites(): MilenaError {
  return new MilenaError('FORBIDDEN', 'This server cannot invite by e-mail address or phone number.');
}
