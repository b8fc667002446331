import type { Config } from './config.ts';
import type { Key } from './key.ts';
import * as parse from './parse-value.ts';

const rate = (name: string, about: string, otherwise: string) => ({
  name,
  about: [about],
  parse: parse.rate,
  default: otherwise,
});

type RateKey = Extract<keyof Config, `rate${string}`>;

/** How often what may be asked. */
export const rateKeys: { readonly [K in RateKey]: Key<Config[K]> } = {
  rateLimits: {
    name: 'rate_limits',
    about: ['on or off. Off is for tests and benchmarks.'],
    parse: parse.onOff,
    default: 'on',
  },
  rateLoginAccount: rate('rate_login_account', 'Failed logins for one account.', '10/minute'),
  rateLoginAddress: rate(
    'rate_login_address',
    'Logins from one address, and what else strangers may try: names, tokens, captchas.',
    '60/minute',
  ),
  rateRegistration: rate('rate_registration', 'New accounts from one address.', '20/hour'),
  rateSend: rate('rate_send', 'Events that one user may send.', '600/minute'),
  rateMembership: rate(
    'rate_membership',
    'Joins, knocks, invitations, leaves, kicks, bans and forgotten rooms of one user.',
    '300/minute',
  ),
  rateNotice: rate('rate_notice', 'Receipts, read markers and typing notices of one user.', '1200/minute'),
  rateLookup: rate(
    'rate_lookup',
    "Questions of one user for a room's aliases or for the event nearest to a time.",
    '600/minute',
  ),
  rateCreateRoom: rate('rate_create_room', 'Rooms that one user may make.', '60/minute'),
  rateProfile: rate('rate_profile', "Changes of one user's profile.", '60/minute'),
  rateRequest: rate('rate_request', 'Other limited requests of one user.', '3000/minute'),
  rateDevice: rate('rate_device', 'All limited requests of one device.', '3000/minute'),
  rateAddress: rate('rate_address', 'All limited requests from one address.', '12000/minute'),
  rateExceptions: {
    name: 'rate_exceptions',
    about: [
      'Users with other limits: `@bot:example.org` has none, `@busy:example.org=5` five times the usual ones.',
    ],
    parse: parse.list(parse.rateException),
    default: '',
    sample: '["@bot:example.org", "@busy:example.org=5"]',
  },
};
