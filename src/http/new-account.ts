import { MilenaError } from '../errors/milena-error.ts';
import { isStrictLocalpart, parseUserId, type UserId } from '../matrix/identifiers.ts';
import { freshCommandId } from '../owner/command-id.ts';
import { newSession } from './client/new-session.ts';
import type { ClientContext } from './context.ts';

/** The longest password, in UTF-16 units: longer ones cost memory and protect nobody. */
const MAX_PASSWORD = 512;

/** An account to be made. */
export interface AccountRequest {
  readonly userId: UserId;
  readonly password: string;
  readonly admin: boolean;
  /** How it came about: `registration`, `shared_secret`. */
  readonly method: string;
  readonly deviceId: string | undefined;
  /** The device's name. */
  readonly displayName: string | undefined;
  /** True: no device and no token. */
  readonly inhibitLogin: boolean;
  /** The display name that the profile gets. */
  readonly profileName?: string | undefined;
}

/** What `POST register` answers. */
export interface AccountMade {
  readonly user_id: UserId;
  readonly access_token?: string;
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

/** Makes an account, with its first device unless `inhibitLogin`. */
export async function createAccount(context: ClientContext, request: AccountRequest): Promise<AccountMade> {
  const { userId, password, admin, method } = request;
  if (password === '') throw new MilenaError('WEAK_PASSWORD', 'The password is empty.');
  if (password.length > MAX_PASSWORD) throw new MilenaError('INVALID_PARAM', 'password: is too long');
  const session = request.inhibitLogin
    ? undefined
    : newSession(context, userId, request.deviceId, request.displayName, method);
  await context.execute({
    kind: 'register_user',
    id: freshCommandId(),
    at: context.now(),
    user_id: userId,
    user_kind: 'user',
    admin,
    password_hash: await context.passwords.hash(password),
    ...(session === undefined ? {} : { device: session.device }),
  });
  if (request.profileName !== undefined && request.profileName !== '') {
    const stamp = { id: freshCommandId(), at: context.now() };
    const field = { field: 'displayname', value: request.profileName };
    await context.execute({ kind: 'set_profile', ...stamp, user_id: userId, ...field });
  }
  if (session === undefined) return { user_id: userId };
  const { device_id, token_hash } = session.device;
  const made = {
    user_id: userId,
    device_id,
    kind: 'user',
    admin,
    locked: false,
    suspended: false,
  } as const;
  context.auth.remember(token_hash, made);
  return { user_id: userId, access_token: session.token, device_id };
}
