import { MilenaError } from '../../errors/milena-error.ts';
import type { HttpSettings } from '../deps.ts';

/** How long the verifier may take, milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Asks the configured verifier whether a captcha was solved (spec: "Google ReCaptcha"). It is told the secret and
 * the response, not who solved it.
 * @throws MilenaError FORBIDDEN when it was not; UNAVAILABLE when the verifier gives no answer.
 */
export async function verifyCaptcha(settings: HttpSettings, response: string): Promise<void> {
  const { recaptchaVerifyUrl, recaptchaSecretKey } = settings;
  const body = new URLSearchParams({ secret: recaptchaSecretKey ?? '', response });
  const verdict = await ask(recaptchaVerifyUrl, body);
  if (typeof verdict !== 'object' || verdict === null || Reflect.get(verdict, 'success') !== true) {
    throw new MilenaError('FORBIDDEN', 'The captcha was not solved.');
  }
}

async function ask(url: string, body: URLSearchParams): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetch(url, { method: 'POST', body, signal, redirect: 'error' });
    if (!answer.ok) throw new Error(`the captcha verifier answered ${answer.status}`);
    return await answer.json();
  } catch (cause) {
    throw new MilenaError('UNAVAILABLE', 'Captchas cannot be checked at this moment; try again.', { cause });
  }
}
