/** A part of the server that one process runs (architecture, section 10). */
export type Role = 'api' | 'owner' | 'projector' | 'manager';

/** How often something may happen: `count` times in any `perMs` milliseconds, all at once if need be. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** A user with other rates than the rest. */
export interface RateException {
  readonly userId: string;
  /** How many times the usual rate; 0: no limit. */
  readonly factor: number;
}

/** A document in one language that new users must accept. */
export interface TermsDocument {
  readonly policy: string;
  readonly version: string;
  readonly language: string;
  readonly url: string;
  readonly name: string;
}

/** A host and a port to listen on. Port 0 takes any free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Whom users and other servers can turn to; at least one of the two ways is there. */
export interface SupportContact {
  /** `m.role.admin`, `m.role.security` or another namespaced identifier. */
  readonly role: string;
  readonly matrixId: string | undefined;
  readonly email: string | undefined;
}

/** All settings, complete and checked. What each means, and its default, stands in `keys.ts`. */
export interface Config {
  readonly serverName: string;
  /** Absolute path. */
  readonly data: string;
  readonly bind: string;
  readonly port: number;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[];
  readonly registration: 'closed' | 'open' | 'token';
  /** Documents that new users must accept; none: no such stage. */
  readonly registrationTerms: readonly TermsDocument[];
  /** Whether there are guest accounts. */
  readonly guests: boolean;
  /** Undefined: no captcha. */
  readonly recaptchaSiteKey: string | undefined;
  readonly recaptchaSecretKey: string | undefined;
  readonly recaptchaVerifyUrl: string;
  /** Milliseconds that an access token is good for, with clients that can refresh it. */
  readonly accessTokenLifetime: number;
  /** Milliseconds that a login token is good for; 0: there are none. */
  readonly loginTokenLifetime: number;
  readonly registrationSharedSecret: string | undefined;
  readonly rateLimits: boolean;
  readonly rateLoginAccount: Rate;
  readonly rateLoginAddress: Rate;
  readonly rateRegistration: Rate;
  readonly rateSend: Rate;
  readonly rateMembership: Rate;
  readonly rateNotice: Rate;
  readonly rateLookup: Rate;
  readonly rateCreateRoom: Rate;
  readonly rateProfile: Rate;
  readonly rateRequest: Rate;
  readonly rateDevice: Rate;
  readonly rateAddress: Rate;
  readonly rateExceptions: readonly RateException[];
  readonly log: 'postgres' | 'kafka';
  /** Partitions of each topic; fixed when the log is made. */
  readonly slots: number;
  readonly kafkaBrokers: readonly string[];
  readonly kafkaPrefix: string;
  /** Undefined: the embedded Postgres in the data folder. */
  readonly postgresUrl: string | undefined;
  readonly roles: readonly Role[];
  readonly internalBind: HostPort;
  /** Undefined: the one in the data folder. */
  readonly internalSecret: string | undefined;
  /** Absolute path. */
  readonly signingKey: string;
  readonly defaultRoomVersion: '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '10' | '11' | '12';
  readonly passwordHashMemory: number;
  readonly passwordHashPasses: number;
  readonly passwordHashesAtOnce: number;
  readonly maxBodyBytes: number;
  readonly requestTimeout: number;
  readonly syncTimeout: number;
  readonly shutdownTimeout: number;
  readonly presence: boolean;
  /** Milliseconds without activity after which a user is `unavailable`. */
  readonly presenceIdle: number;
  /** Milliseconds without a sync after which a device is gone. */
  readonly presenceOffline: number;
  readonly supportContacts: readonly SupportContact[];
  readonly supportPage: string | undefined;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
}
