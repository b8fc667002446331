import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { isStrictLocalpart, parseUserId, type UserId } from '../matrix/identifiers.ts';
import { freshCommandId } from '../owner/command-id.ts';
import { newSession } from './client/new-session.ts';
import type { ClientContext } from './context.ts';

/** The longest password, in UTF-16 units: longer ones cost memory and protect nobody. */
const MAX_PASSWORD = 512;

/** An account to be made. */
export interface AccountRequest {
  readonly userId: UserId;
  readonly kind: 'user' | 'guest';
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
 * Makes an account, with its first device unless `inhibitLogin`.
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
  const device = session === undefined ? {} : { device: session.device };
  await atTheCostOf(context, request, () =>
    context.execute({
      kind: 'register_user',
      ...stamp(context),
      user_id: userId,
      user_kind: kind,
      admin,
      password_hash: passwordHash,
      terms: request.terms ?? [],
      ...device,
    }),
  );
  if (request.profileName !== undefined && request.profileName !== '') {
    const field = { field: 'displayname', value: request.profileName };
    await context.execute({ kind: 'set_profile', ...stamp(context), user_id: userId, ...field });
  }
  if (session === undefined) return { user_id: userId };
  const { device_id, token_hash, expires_at } = session.device;
  const restrictions = { locked: false, suspended: false };
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
  make: () => Promise<unknown>,
): Promise<void> {
  if (registrationToken === undefined) {
    await make();
    return;
  }
  const use = { token_hash: registrationToken, user_id: userId };
  await context.execute({ kind: 'use_registration_token', ...stamp(context), ...use });
  try {
    await make();
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
