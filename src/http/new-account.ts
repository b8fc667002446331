import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { isStrictLocalpart, parseUserId, type UserId } from '../matrix/identifiers.ts';
import { freshCommandId } from '../owner/command-id.ts';
import type { CommandResult } from '../owner/commands.ts';
import { newSession } from './client/new-session.ts';
import type { ClientContext } from './context.ts';

/** The longest password, in UTF-16 units: longer ones cost memory and protect nobody. */
const MAX_PASSWORD = 512;

/** An account to be made. */
export interface AccountRequest {
  readonly userId: UserId;
  readonly kind: 'user' | 'guest';
  /** The hash of an access token of the guest whose account becomes this one. */
  readonly guestHash?: string | undefined;
  /** Undefined: nobody can log in with one. */
  readonly password: string | undefined;
  readonly admin: boolean;
  /** How it came about: `registration`, `shared_secret`. */
  readonly method: string;
  readonly deviceId: string | undefined;
  /** The device's name. */
  readonly displayName: string | undefined;
  /** Whether the client can refresh its tokens. */
  readonly refreshes?: boolean;
  /** True: no device and no token. */
  readonly inhibitLogin: boolean;
  /** The display name that the profile gets. */
  readonly profileName?: string | undefined;
  /** The documents that were accepted, each `<policy>/<version>`. */
  readonly terms?: readonly string[] | undefined;
  /** The hash of the registration token that it costs a use. */
  readonly registrationToken?: string | undefined;
}

/** What `POST register` answers. */
export interface AccountMade {
  readonly user_id: UserId;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in_ms?: number;
  readonly device_id?: string;
}

/** The user ID for a new account. @throws MilenaError INVALID_USERNAME */
export function newUserId({ serverName }: Pick<ClientContext, 'serverName'>, localpart: string): UserId {
  const userId = isStrictLocalpart(localpart) ? parseUserId(`@${localpart}:${serverName}`) : undefined;
  if (userId === undefined) {
    throw new MilenaError('INVALID_USERNAME', 'User names consist of a-z, 0-9 and . _ = - / + only.');
  }
  return userId;
}

/** Spares a password's hash when the name is taken. The owner decides. @throws MilenaError USER_IN_USE */
export async function requireFree(context: ClientContext, userId: UserId): Promise<void> {
  await context.freshness.user(userId);
  if ((await context.reads.accounts.account(userId)) !== undefined) throw new MilenaError('USER_IN_USE');
}

/** @throws MilenaError WEAK_PASSWORD, INVALID_PARAM */
export function checkPassword(password: string): void {
  if (password === '') throw new MilenaError('WEAK_PASSWORD', 'The password is empty.');
  if (password.length > MAX_PASSWORD) throw new MilenaError('INVALID_PARAM', 'password: is too long');
}

/**
 * Makes an account, or an ordinary one of a guest's, with a device unless `inhibitLogin`.
 * @throws MilenaError USER_IN_USE, REGISTRATION_TOKEN_SPENT, and what `checkPassword` throws.
 */
export async function createAccount(context: ClientContext, request: AccountRequest): Promise<AccountMade> {
  const { userId, kind, admin, method } = request;
  const session = request.inhibitLogin
    ? undefined
    : newSession(context, userId, {
        id: request.deviceId,
        displayName: request.displayName,
        method,
        refreshes: request.refreshes ?? false,
      });
  if (request.password !== undefined) checkPassword(request.password);
  const passwordHash = request.password === undefined ? null : await context.passwords.hash(request.password);
  const account = {
    user_id: userId,
    password_hash: passwordHash,
    terms: request.terms ?? [],
    ...(session === undefined ? {} : { device: session.device }),
  };
  const { guestHash } = request;
  const { suspended = false } = await atTheCostOf(context, request, () =>
    context.execute(
      guestHash === undefined
        ? { kind: 'register_user', ...stamp(context), ...account, user_kind: kind, admin }
        : { kind: 'upgrade_guest', ...stamp(context), ...account, guest_hash: guestHash },
    ),
  );
  // The guest's sessions are looked up again: they may do more now.
  if (guestHash !== undefined) context.auth.invalidate(userId, 'all');
  if (request.profileName !== undefined && request.profileName !== '') {
    const field = { field: 'displayname', value: request.profileName };
    await context.execute({ kind: 'set_profile', ...stamp(context), user_id: userId, ...field });
  }
  if (session === undefined) return { user_id: userId };
  const { device_id, token_hash, expires_at } = session.device;
  const restrictions = { locked: false, suspended };
  const made = { user_id: userId, device_id, kind, admin, expires_at, unused: false, ...restrictions };
  context.auth.remember(token_hash, made);
  return { user_id: userId, device_id, ...session.answer };
}

/**
 * Uses the registration token, then makes the account. A crash between the two costs a use; the other way
 * round it would give accounts away.
 */
async function atTheCostOf(
  context: ClientContext,
  { userId, registrationToken }: AccountRequest,
  make: () => Promise<CommandResult>,
): Promise<CommandResult> {
  if (registrationToken === undefined) return make();
  const use = { token_hash: registrationToken, user_id: userId };
  await context.execute({ kind: 'use_registration_token', ...stamp(context), ...use });
  try {
    return await make();
  } catch (error) {
    // Where it is not known whether there is an account now, the token stays used.
    if (isMilenaError(error) && error.status < 500) {
      await context.execute({ kind: 'return_registration_token', ...stamp(context), ...use });
    }
    throw error;
  }
}

function stamp({ now }: Pick<ClientContext, 'now'>) {
  return { id: freshCommandId(), at: now() };
}
