import { MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import { tokenHash } from '../access-token.ts';
import type { ClientContext } from '../context.ts';
import { checkedAccount, userNamed } from '../password-check.ts';
import { addressKey } from '../rate-limits.ts';
import { isValidToken } from '../registration-token.ts';
import { acceptedTerms } from './registration-flows.ts';
import type { AuthData, Proven, Stage } from './stage.ts';
import { verifyCaptcha } from './verify-captcha.ts';

/** Who tries to complete a stage. */
export interface Trying {
  /** Null where the request needs no access token. */
  readonly user: UserId | null;
  readonly address: string;
}

/**
 * Tries to complete a stage. @returns what it has shown. Passwords are limited by their account; what strangers guess
 * or have others check is limited by address, as logins are.
 * @throws MilenaError FORBIDDEN when it is not completed and may be tried again; MISSING_PARAM; LIMIT_EXCEEDED;
 * UNAVAILABLE when who must be asked cannot be reached.
 */
export async function checkStage(
  context: ClientContext,
  stage: Stage,
  auth: AuthData,
  { user, address }: Trying,
): Promise<Proven> {
  const take = () => context.limits.take('loginAddress', addressKey(address));
  switch (stage) {
    case 'm.login.dummy':
      return {};
    case 'm.login.terms':
      return { terms: acceptedTerms(context.settings) };
    case 'm.login.password':
      return { user: await passwordOf(context, auth, user) };
    case 'm.login.recaptcha': {
      const response = required(auth.response, 'response');
      take();
      await verifyCaptcha(context.settings, response);
      return {};
    }
    case 'm.login.registration_token': {
      const token = required(auth.token, 'token');
      take();
      return { registrationToken: await registrationToken(context, token) };
    }
  }
}

async function passwordOf(context: ClientContext, auth: AuthData, user: UserId | null): Promise<UserId> {
  const password = required(auth.password, 'password');
  // Clients exist that leave the user out: it can only be the one who asks.
  const isUnnamed = user !== null && auth.identifier === undefined && auth.user === undefined;
  const named = isUnnamed ? user : userNamed(context, auth);
  if (user !== null && named !== user) {
    throw new MilenaError('FORBIDDEN', 'The password of another user does not show who you are.');
  }
  return (await checkedAccount(context, named, password)).user_id;
}

async function registrationToken(context: ClientContext, token: string): Promise<string> {
  const hash = tokenHash(token);
  if (!(await isValidToken(context, hash))) {
    throw new MilenaError('FORBIDDEN', 'The registration token is not valid.');
  }
  return hash;
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new MilenaError('MISSING_PARAM', `auth.${name}: is required`);
  return value;
}
