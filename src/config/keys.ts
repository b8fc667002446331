import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { accountKeys } from './account-keys.ts';
import type { Config, Role } from './config.ts';
import type { Key } from './key.ts';
import * as parse from './parse-value.ts';
import { rateKeys } from './rate-keys.ts';

const roleNames: readonly Role[] = ['api', 'owner', 'projector', 'manager'];

const role = (word: string): Role => parse.choice(...roleNames)([word]);

const address = (text: string): string => {
  const [ip = '', bits, ...rest] = text.split('/');
  const most = isIP(ip) === 6 ? 128 : 32;
  const range = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (isIP(ip) === 0 || !range || rest.length > 0) {
    throw new Error(`expected addresses or ranges such as "10.0.0.0/8", not "${text}"`);
  }
  return text;
};

const broker = (text: string): string => {
  parse.hostPort([text]);
  return text;
};

const path = parse.single((text) => {
  if (text === '') throw new Error('expected a path');
  return resolve(text);
});

const prefix = parse.single((text) => {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(text)) {
    throw new Error('expected letters, digits, ".", "_" and "-", at most 100');
  }
  return text;
});

/** Every key, in the order of the example. */
export const keys: { readonly [K in keyof Config]: Key<Config[K]> } = {
  serverName: {
    name: 'server_name',
    about: [
      'The name at the end of every user ID and room alias: @you:NAME. It is for good: a data folder keeps',
      'the name it was made with. The domain people know you by, not necessarily this machine.',
    ],
    parse: parse.text,
    default: 'localhost',
  },
  data: {
    name: 'data',
    about: ['The folder that holds everything: the embedded Postgres, keys and secrets.'],
    parse: path,
    default: './data',
  },
  bind: {
    name: 'bind',
    about: ['The address that clients and proxies connect to. 0.0.0.0 or :: opens it to the network.'],
    parse: parse.text,
    default: '127.0.0.1',
  },
  port: {
    name: 'port',
    about: ['The port that goes with it.'],
    parse: parse.integer(0, 65_535),
    default: '8008',
  },
  publicUrl: {
    name: 'public_url',
    about: [
      'The URL under which clients reach the server, behind a proxy the proxy’s. It stands in',
      '/.well-known/matrix/client. Without it: http://BIND:PORT.',
    ],
    parse: parse.httpUrl,
    default: undefined,
    sample: 'https://chat.example.org',
  },
  trustedProxies: {
    name: 'trusted_proxies',
    about: ['Proxies whose X-Forwarded-For is believed: addresses or ranges.'],
    parse: parse.list(address),
    default: '',
    sample: '[127.0.0.1, "::1"]',
  },
  ...accountKeys,
  ...rateKeys,
  log: {
    name: 'log',
    about: [
      'Where the event log lies: postgres or kafka. eventstore is planned and refused for now.',
      'A log does not move: see `milena log export` and `milena log import`.',
    ],
    parse: parse.builtChoice(['postgres', 'kafka'], ['eventstore']),
    default: 'postgres',
  },
  slots: {
    name: 'slots',
    about: [
      'Partitions of each topic, that is the most nodes that can share the owners’ work. Fixed when the log',
      'is made. Without it: 8 with log: postgres, 64 with log: kafka.',
    ],
    parse: parse.integer(1, 1024),
    default: undefined,
    sample: '8',
  },
  kafkaBrokers: {
    name: 'kafka_brokers',
    about: ['With log: kafka, the brokers to ask first.'],
    parse: parse.list(broker),
    default: '',
    sample: '[kafka1:9092, kafka2:9092]',
  },
  kafkaPrefix: {
    name: 'kafka_prefix',
    about: ['With log: kafka, what the names of topics, groups and transactional IDs begin with.'],
    parse: prefix,
    default: 'milena',
  },
  postgresUrl: {
    name: 'postgres_url',
    about: ['A Postgres of your own. Without it: the embedded one, in the data folder.'],
    parse: parse.postgresUrl,
    default: undefined,
    sample: 'postgresql://milena:password@localhost:5432/milena',
    secret: true,
  },
  roles: {
    name: 'roles',
    about: [
      'What this process does: api, owner, projector, manager. Several processes that share one log and one',
      'postgres_url can divide them. `serve --roles` says the same.',
    ],
    parse: (texts) => {
      const roles = parse.list(role)(texts);
      if (roles.length === 0) throw new Error(`expected some of ${parse.listOf(roleNames)}`);
      return roles;
    },
    default: '[api, owner, projector, manager]',
  },
  internalBind: {
    name: 'internal_bind',
    about: [
      'Where nodes and the command line talk to this process. Port 0 takes a free one and notes it in the',
      'data folder. Never open it to a network that you do not trust.',
    ],
    parse: parse.hostPort,
    default: '127.0.0.1:0',
  },
  internalSecret: {
    name: 'internal_secret',
    about: [
      'What they show each other. The same on all nodes. Without it: the one in the data folder, which is made',
      'at the first start.',
    ],
    parse: parse.longSecret,
    default: undefined,
    sample: 'another-long-random-text',
    secret: true,
  },
  signingKey: {
    name: 'signing_key',
    about: ['The file with the server’s signing key. Without it: signing.key in the data folder.'],
    parse: path,
    default: undefined,
    sample: '/etc/milena/signing.key',
  },
  defaultRoomVersion: {
    name: 'default_room_version',
    about: ['The version of rooms made without one: 1 to 12.'],
    parse: parse.choice('1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'),
    default: '12',
  },
  passwordHashMemory: {
    name: 'password_hash_memory',
    about: ['Argon2id: KiB of memory for one password. More is harder to attack, and slower to log in.'],
    parse: parse.integer(8, 4_194_304),
    default: '65536',
  },
  passwordHashPasses: {
    name: 'password_hash_passes',
    about: ['Argon2id: passes over that memory.'],
    parse: parse.integer(1, 100),
    default: '2',
  },
  passwordHashesAtOnce: {
    name: 'password_hashes_at_once',
    about: ['How many passwords are hashed at once; further logins wait.'],
    parse: parse.integer(1, 64),
    default: '2',
  },
  maxBodyBytes: {
    name: 'max_body_bytes',
    about: ['The largest request body, in bytes. An event is at most 65,536.'],
    parse: parse.integer(65_536, 104_857_600),
    default: '1048576',
  },
  requestTimeout: {
    name: 'request_timeout',
    about: ['How long a request may take, in milliseconds, /sync excepted.'],
    parse: parse.integer(1000, 600_000),
    default: '30000',
  },
  syncTimeout: {
    name: 'sync_timeout',
    about: ['The longest that a /sync may wait for news, in milliseconds, whatever the client asks for.'],
    parse: parse.integer(0, 600_000),
    default: '120000',
  },
  shutdownTimeout: {
    name: 'shutdown_timeout',
    about: ['How long a stop waits for requests under way, in milliseconds.'],
    parse: parse.integer(0, 600_000),
    default: '10000',
  },
  presence: {
    name: 'presence',
    about: [
      'on or off: whether people see who is online. Large rooms in which all do so cost processor time.',
    ],
    parse: parse.onOff,
    default: 'on',
  },
  presenceIdle: {
    name: 'presence_idle',
    about: ['After how many milliseconds without doing anything somebody is shown as unavailable.'],
    parse: parse.integer(100, 86_400_000),
    default: '300000',
  },
  presenceOffline: {
    name: 'presence_offline',
    about: ['After how many milliseconds without a /sync a device counts as gone.'],
    parse: parse.integer(100, 86_400_000),
    default: '60000',
  },
  supportContacts: {
    name: 'support_contacts',
    about: [
      'Whom to turn to, for /.well-known/matrix/support: each a role (m.role.admin, m.role.security) and then a',
      'Matrix user ID, an e-mail address, or both.',
    ],
    parse: parse.list(parse.supportContact),
    default: '',
    sample: '["m.role.admin @you:example.org admin@example.org", "m.role.security security@example.org"]',
  },
  supportPage: {
    name: 'support_page',
    about: ['A page with help for users of this server, for the same.'],
    parse: parse.httpUrl,
    default: undefined,
    sample: 'https://example.org/support',
  },
  logLevel: {
    name: 'log_level',
    about: ['What is written to standard output: fatal, error, warn, info, debug or trace.'],
    parse: parse.choice('fatal', 'error', 'warn', 'info', 'debug', 'trace'),
    default: 'info',
  },
};

/** The name of a key in the environment. */
export function envName(name: string): string {
  return `MILENA_${name.toUpperCase()}`;
}
