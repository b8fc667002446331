/** A part of the server that one process runs (architecture, section 10). */
export type Role = 'api' | 'owner' | 'projector' | 'manager';

/** How often something may happen: `count` times in any `perMs` milliseconds, all at once if need be. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** A host and a port to listen on. Port 0 takes any free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
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
  readonly registration: 'closed' | 'open';
  readonly registrationSharedSecret: string | undefined;
  readonly rateLimits: boolean;
  readonly rateLoginAccount: Rate;
  readonly rateLoginAddress: Rate;
  readonly rateRegistration: Rate;
  readonly rateSend: Rate;
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
  readonly defaultRoomVersion: '10' | '11' | '12';
  readonly passwordHashMemory: number;
  readonly passwordHashPasses: number;
  readonly passwordHashesAtOnce: number;
  readonly maxBodyBytes: number;
  readonly requestTimeout: number;
  readonly syncTimeout: number;
  readonly shutdownTimeout: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
}
