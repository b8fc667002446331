import { after, before } from 'node:test';
import { type Apart, startApart } from './apart.ts';
import { type Client, device, freshName, type Json, path, register } from './client.ts';
import { expectOk } from './expect.ts';
import { Http } from './http.ts';
import { type Kafka, startKafka } from './kafka.ts';
import { type CommandOutcome, type Server, type ServerOptions, startServer } from './server.ts';

/** A server that the tests of one file share. Its fields may be read once the tests run. */
export interface SharedServer {
  readonly http: Http;
  readonly serverName: string;
  /** A new user with a device. */
  user(stem?: string): Promise<Client>;
  /** A new guest; the server needs `MILENA_GUESTS: 'on'`. @param json the request's body. */
  guest(json?: Json): Promise<Client>;
  /** A room of two new users, the first of whom made it. @param room what its `createRoom` says besides. */
  pair(room?: Json): Promise<readonly [Client, Client, string]>;
  /** Runs a `milena` command with the server's settings; undefined when the server was there already. */
  milena(args: readonly string[], within?: number): Promise<CommandOutcome> | undefined;
}

/**
 * Starts one server before the tests of the calling file (or `describe`) and stops it after them.
 *
 * The environment chooses another deployment for the same tests: `MILENA_TEST_ROLES=apart` a process for the API
 * and one for all else, `MILENA_TEST_LOG=kafka` a log in Kafka, `MILENA_TEST_URL` (and `MILENA_TEST_SERVER_NAME`)
 * a server that runs already, with open registration and no rate limits.
 */
export function sharedServer(options: ServerOptions = {}): SharedServer {
  let kafka: Kafka | undefined;
  let server: Server | Apart | undefined;
  let http: Http | undefined;
  before(async () => {
    const running = process.env['MILENA_TEST_URL'];
    if (running !== undefined && options.env === undefined) {
      http = new Http(running);
      return;
    }
    const log = process.env['MILENA_TEST_LOG'] === 'kafka' ? 'kafka' : 'postgres';
    kafka = log === 'kafka' ? await startKafka() : undefined;
    const brokers = kafka === undefined ? {} : { MILENA_KAFKA_BROKERS: kafka.brokers.join(',') };
    const all = { ...options, log, env: { ...brokers, ...options.env } } as const;
    const isApart = process.env['MILENA_TEST_ROLES'] === 'apart';
    server = isApart ? await startApart({ log, env: all.env }) : await startServer(all);
    http = new Http(server.url);
  });
  after(async () => {
    http?.close();
    await server?.[Symbol.asyncDispose]();
    await kafka?.stop();
  });
  const started = (): Http => {
    if (http === undefined) throw new Error('the server is there only while tests run');
    return http;
  };
  const user = (stem?: string): Promise<Client> => register(started(), freshName(stem));
  return {
    get http() {
      return started();
    },
    get serverName() {
      return server?.serverName ?? process.env['MILENA_TEST_SERVER_NAME'] ?? 'localhost';
    },
    user,
    guest: async (json = {}) => {
      const answer = await started().ask('POST', `${path('register')}?kind=guest`, { json });
      return device(started(), expectOk(answer, 'CS API, POST register, kind=guest'));
    },
    pair: async (room = {}) => {
      const [owner, guest] = await Promise.all([user('owner'), user('guest')]);
      const roomId = await owner.createRoom({ preset: 'public_chat', ...room });
      await guest.join(roomId);
      return [owner, guest, roomId];
    },
    milena: (args, within) => {
      if (server === undefined) return undefined;
      return 'processes' in server ? server.milena('owner', args, within) : server.milena(args, within);
    },
  };
}
