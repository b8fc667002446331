import { after, before } from 'node:test';
import { type Client, freshName, register } from './client.ts';
import { Http } from './http.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

/** A server that the tests of one file share. Its fields may be read once the tests run. */
export interface SharedServer {
  readonly http: Http;
  /** The process behind it; undefined when `MILENA_TEST_URL` names a server that runs already. */
  readonly server: Server | undefined;
  readonly serverName: string;
  /** A new user with a device. */
  user(stem?: string): Promise<Client>;
}

/**
 * Starts one server before the tests of the calling `describe` and stops it after them. With `MILENA_TEST_URL`
 * (and `MILENA_TEST_SERVER_NAME`) set, the tests use that one; it must have open registration and no rate limits.
 */
export function sharedServer(options: ServerOptions = {}): SharedServer {
  let server: Server | undefined;
  let http: Http | undefined;
  before(async () => {
    const running = process.env['MILENA_TEST_URL'];
    if (running === undefined || options.env !== undefined) server = await startServer(options);
    http = new Http(server?.url ?? running ?? '');
  });
  after(async () => {
    http?.close();
    await server?.[Symbol.asyncDispose]();
  });
  const started = (): Http => {
    if (http === undefined) throw new Error('the server is there only while tests run');
    return http;
  };
  return {
    get http() {
      return started();
    },
    get server() {
      return server;
    },
    get serverName() {
      return server?.serverName ?? process.env['MILENA_TEST_SERVER_NAME'] ?? 'localhost';
    },
    user: (stem) => register(started(), freshName(stem)),
  };
}
