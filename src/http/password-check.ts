import { MilenaError } from '../errors/milena-error.ts';
import { parseUserId, serverOf, type UserId } from '../matrix/identifiers.ts';
import type { ClientContext } from './context.ts';
import type { Account } from './reads/account-reads.ts';

/** How a client names a user: an identifier object, or the deprecated `user`. */
export interface NamedUser {
  readonly identifier?: { readonly type: string; readonly user?: string };
  readonly user?: string;
}

/**
 * The user that a client names, undefined when it cannot be one of ours (spec: "Identifier types").
 * @throws MilenaError UNKNOWN_IDENTIFIER for third-party ones: they belong to nobody here; MISSING_PARAM
 */
export function userNamed(
  { serverName }: Pick<ClientContext, 'serverName'>,
  { identifier, user }: NamedUser,
): UserId | undefined {
  if (identifier !== undefined && identifier.type !== 'm.id.user') {
    throw new MilenaError('UNKNOWN_IDENTIFIER');
  }
  const name = identifier?.user ?? user;
  if (name === undefined) throw new MilenaError('MISSING_PARAM', 'identifier: is required');
  const userId = parseUserId(name.startsWith('@') ? name : `@${name}:${serverName}`);
  return userId !== undefined && serverOf(userId) === serverName ? userId : undefined;
}

/**
 * The account whose password this is. A guess is counted before its hash is worked out, so that guesses sent at
 * once count too; what was no wrong guess (the right password, or an answer that we owe) is given back.
 * @throws MilenaError FORBIDDEN the same for a wrong password and an unknown user; USER_DEACTIVATED;
 * LIMIT_EXCEEDED
 */
export async function checkedAccount(
  context: ClientContext,
  userId: UserId | undefined,
  password: string,
): Promise<Account> {
  if (userId !== undefined) context.limits.take('loginAccount', userId);
  let isWrong = false;
  try {
    const account = userId === undefined ? undefined : await findAccount(context, userId);
    if (account?.deactivated === true) throw new MilenaError('USER_DEACTIVATED');
    const isRight = await context.passwords.verify(password, account?.password_hash ?? undefined);
    if (isRight && account !== undefined) return account;
    isWrong = true;
    throw new MilenaError('FORBIDDEN', 'The user name or the password is wrong.');
  } finally {
    if (!isWrong && userId !== undefined) context.limits.giveBack('loginAccount', userId);
  }
}

/** An account, from a model that has what this node wrote; undefined when there is none. */
export async function findAccount(context: ClientContext, userId: UserId): Promise<Account | undefined> {
  await context.freshness.user(userId);
  return context.freshness.orLater('users', userId, () => context.reads.accounts.account(userId));
}
