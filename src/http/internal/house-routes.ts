import { Readable } from 'node:stream';
import type { House, NewPassword, NewToken, NewUser } from '../../cli/house.ts';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App } from '../context.ts';
import type { InternalDeps } from './app.ts';

const BASE = '/_milena/internal/v1';

/**
 * The command line's side of the internal listener: `src/cli/remote-house.ts` is the client. What takes long
 * answers a JSON object a line.
 */
export function houseRoutes(app: App, { house }: Pick<InternalDeps, 'house'>): void {
  // The bodies come from our own command line; the casts say what it sends.
  app.post(`${BASE}/users/add`, (request) => told(house.userAdd(request.body as NewUser)));
  app.post(`${BASE}/users/list`, async () => ({ users: await told(house.userList()) }));
  app.post(`${BASE}/users/set-password`, async (request) => {
    await told(house.userSetPassword(request.body as NewPassword));
    return {};
  });
  app.post(`${BASE}/users/deactivate`, async (request) => {
    await told(house.userDeactivate(request.body as { user: string }));
    return {};
  });
  app.post(`${BASE}/tokens/add`, (request) => told(house.tokenAdd(request.body as NewToken)));
  app.post(`${BASE}/tokens/list`, async () => ({ tokens: await told(house.tokenList()) }));
  app.post(`${BASE}/tokens/remove`, async (request) => {
    await told(house.tokenRemove(request.body as { token: string }));
    return {};
  });
  app.post(`${BASE}/status`, () => told(house.status()));
  app.post(`${BASE}/rebuild`, async (request, reply) => {
    const { model } = request.body as { model: string };
    return reply.type('application/x-ndjson').send(Readable.from(progressLines(house, model)));
  });
  logFileRoutes(app, house);
}

function logFileRoutes(app: App, house: House): void {
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload));
  app.post(`${BASE}/log/export`, async (_request, reply) =>
    reply.type('application/x-ndjson').send(Readable.from(house.exportLog(), { objectMode: false })),
  );
  app.post(`${BASE}/log/import`, { bodyLimit: Number.MAX_SAFE_INTEGER }, (request) =>
    // The parser above leaves the body as the stream that it is.
    told(house.importLog(request.body as AsyncIterable<Uint8Array>)),
  );
}

async function* progressLines(house: House, model: string): AsyncIterable<string> {
  try {
    for await (const progress of house.rebuild(model)) yield `${JSON.stringify(progress)}\n`;
  } catch (error) {
    // The status has been sent: the last line tells.
    yield `${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`;
  }
}

/** A failure of the command line's own kind is one whose message its user is to read. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'CommandFailed') throw error;
    throw new MilenaError('INVALID_PARAM', error.message, { cause: error });
  }
}
