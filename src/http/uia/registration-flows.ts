import { MilenaError } from '../../errors/milena-error.ts';
import type { HttpSettings } from '../deps.ts';
import type { Flow, Stage } from './stage.ts';

/** What registration asks for, from the configuration: one flow. */
export function registrationFlows(settings: HttpSettings): readonly Flow[] {
  const stages: Stage[] = [];
  if (settings.registration === 'token') stages.push('m.login.registration_token');
  if (settings.recaptchaSiteKey !== undefined) stages.push('m.login.recaptcha');
  if (settings.registrationTerms.length > 0) stages.push('m.login.terms');
  return [stages.length === 0 ? ['m.login.dummy'] : stages];
}

/** The parameters of a stage that clients need, undefined where there are none. */
export function paramsOf(
  settings: HttpSettings,
  stage: Stage,
): Readonly<Record<string, unknown>> | undefined {
  switch (stage) {
    case 'm.login.recaptcha':
      return { public_key: settings.recaptchaSiteKey };
    case 'm.login.terms':
      return { policies: policies(settings) };
    case 'm.login.password':
    case 'm.login.dummy':
    case 'm.login.registration_token':
      return undefined;
  }
}

/** The documents that somebody accepts now, each `<policy>/<version>`. */
export function acceptedTerms({ registrationTerms }: HttpSettings): readonly string[] {
  return [...new Set(registrationTerms.map(({ policy, version }) => `${policy}/${version}`))];
}

/** By policy: its version, and the name and URL in each language (spec: "m.login.terms params"). */
function policies({ registrationTerms }: HttpSettings): Readonly<Record<string, object>> {
  const made: Record<string, Record<string, unknown>> = {};
  for (const { policy, version, language, name, url } of registrationTerms) {
    made[policy] = { ...made[policy], version, [language]: { name, url } };
  }
  return made;
}

/** @throws MilenaError FORBIDDEN when nobody may register. */
export function requireRegistration({ registration }: HttpSettings): void {
  if (registration === 'closed') throw new MilenaError('FORBIDDEN', 'Registration is closed on this server.');
}
