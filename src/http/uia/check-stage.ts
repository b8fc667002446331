import { MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import { tokenHash } from '../access-token.ts';
import type { ClientContext } from '../context.ts';
import { checkedAccount, userNamed } from '../password-check.ts';
import { isValidToken } from '../registration-token.ts';
import { acceptedTerms } from './registration-flows.ts';
import type { AuthData, Proven, Stage } from './stage.ts';
import { verifyCaptcha } from './verify-captcha.ts';

/**
 * Tries to complete a stage. @returns what it has shown.
 * @param user who asks; null where the request needs no access token.
 * @throws MilenaError FORBIDDEN when it is not completed and may be tried again; MISSING_PARAM; LIMIT_EXCEEDED;
 * UNAVAILABLE when who must be asked cannot be reached.
 */
export async function checkStage(
  context: ClientContext,
  stage: Stage,
  auth: AuthData,
  user: UserId | null,
): Promise<Proven> {
  switch (stage) {
    case 'm.login.dummy':
      return {};
    case 'm.login.terms':
      return { terms: acceptedTerms(context.settings) };
    case 'm.login.password':
      return { user: await passwordOf(context, auth, user) };
    case 'm.login.recaptcha':
      await verifyCaptcha(context.settings, required(auth.response, 'response'));
      return {};
    case 'm.login.registration_token':
      return { registrationToken: await registrationToken(context, required(auth.token, 'token')) };
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
