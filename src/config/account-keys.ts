import type { Config } from './config.ts';
import type { Key } from './key.ts';
import * as parse from './parse-value.ts';

const captchaKey = parse.single((text) => {
  if (!/^[\w-]{1,200}$/.test(text)) throw new Error('expected letters, digits, "-" and "_"');
  return text;
});

/** The keys about accounts. */
type AccountKey =
  | 'registration'
  | 'registrationTerms'
  | 'guests'
  | 'recaptchaSiteKey'
  | 'recaptchaSecretKey'
  | 'recaptchaVerifyUrl'
  | 'accessTokenLifetime'
  | 'loginTokenLifetime'
  | 'registrationSharedSecret';

/** Who may have an account, and how accounts are proven and kept, in the order of the example. */
export const accountKeys: { readonly [K in AccountKey]: Key<Config[K]> } = {
  registration: {
    name: 'registration',
    about: [
      'Who may make an account: closed (nobody; use `milena user add`), token (holders of a token that',
      '`milena token add` has made) or open (everybody who can reach the server).',
    ],
    parse: parse.choice('closed', 'token', 'open'),
    default: 'closed',
  },
  registrationTerms: {
    name: 'registration_terms',
    about: [
      'Documents that new users must accept, an item for each and each language: a name for the policy, its',
      'version, the language, the URL, and the title (without commas).',
    ],
    parse: parse.list(parse.termsDocument),
    default: '',
    sample: '[privacy 1.2 en https://example.org/privacy-1.2.html Privacy policy]',
  },
  guests: {
    name: 'guests',
    about: [
      'on or off: whether anyone may make guest accounts, which read and write only in rooms that let guests in.',
    ],
    parse: parse.onOff,
    default: 'off',
  },
  recaptchaSiteKey: {
    name: 'recaptcha_site_key',
    about: ['New users solve a captcha (reCAPTCHA v2): the site key, which browsers see.'],
    parse: captchaKey,
    default: undefined,
    sample: 'a-site-key',
  },
  recaptchaSecretKey: {
    name: 'recaptcha_secret_key',
    about: ['The secret key that goes with it.'],
    parse: captchaKey,
    default: undefined,
    sample: 'a-secret-key',
    secret: true,
  },
  recaptchaVerifyUrl: {
    name: 'recaptcha_verify_url',
    about: ['Who is asked whether a captcha was solved.'],
    parse: parse.httpUrl,
    default: 'https://www.google.com/recaptcha/api/siteverify',
  },
  accessTokenLifetime: {
    name: 'access_token_lifetime',
    about: [
      'How long an access token is good for, in milliseconds, with clients that can refresh it. Those that',
      'cannot have tokens that do not end by themselves.',
    ],
    parse: parse.integer(1000, 31_536_000_000),
    default: '3600000',
  },
  loginTokenLifetime: {
    name: 'login_token_lifetime',
    about: [
      'How long a token is good for with which one device logs in another, in milliseconds. 0: there are none.',
    ],
    parse: parse.integer(0, 86_400_000),
    default: '120000',
  },
  registrationSharedSecret: {
    name: 'registration_shared_secret',
    about: ['Turns on /_synapse/admin/v1/register for tools that know this secret.'],
    parse: parse.longSecret,
    default: undefined,
    sample: 'a-long-random-text',
    secret: true,
  },
};
