import { hash, randomBytes } from 'node:crypto';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { CommandBus } from '../owner/commands.ts';
import { needsSaga, runCreateRoom } from '../owner/create-room-saga.ts';
import { emptyLoader, MemoryLog, openOwner, TEST_SERVER, testKeys } from '../owner/memory-house.fixture.ts';
import { subjectOf } from '../owner/subject.ts';
import { MemorySessions } from '../sessions/memory-sessions.fixture.ts';
import { buildPublicApp } from './app.ts';
import type { App } from './context.ts';
import type { HttpDeps, HttpSettings, PasswordHasher, TypingNotice } from './deps.ts';
import { memoryAccounts } from './memory-accounts.fixture.ts';
import { memoryDirectory, memoryRooms, memoryTimeline } from './memory-rooms.fixture.ts';
import { errorSchema } from './schemas.ts';

/** Settings that tests use unless they say otherwise. */
export const SETTINGS: HttpSettings = {
  publicUrl: 'http://127.0.0.1:8008',
  registration: 'open',
  registrationTerms: [],
  guests: true,
  recaptchaSiteKey: undefined,
  recaptchaSecretKey: undefined,
  recaptchaVerifyUrl: 'http://127.0.0.1:1/verify',
  accessTokenLifetime: 3_600_000,
  loginTokenLifetime: 120_000,
  registrationSharedSecret: 'shared secret',
  rateLimits: false,
  rateLoginAccount: { count: 3, perMs: 60_000 },
  rateLoginAddress: { count: 100, perMs: 60_000 },
  rateRegistration: { count: 2, perMs: 60_000 },
  rateSend: { count: 5, perMs: 60_000 },
  rateMembership: { count: 5, perMs: 60_000 },
  rateNotice: { count: 5, perMs: 60_000 },
  rateLookup: { count: 5, perMs: 60_000 },
  rateCreateRoom: { count: 3, perMs: 60_000 },
  rateProfile: { count: 3, perMs: 60_000 },
  rateRequest: { count: 5, perMs: 60_000 },
  rateDevice: { count: 8, perMs: 60_000 },
  rateAddress: { count: 100, perMs: 60_000 },
  rateExceptions: [],
  defaultRoomVersion: '12',
  trustedProxies: [],
  maxBodyBytes: 1_048_576,
  syncTimeout: 30_000,
  supportContacts: [],
  supportPage: undefined,
};

/** Passwords that cost nothing. */
const cheapPasswords: PasswordHasher = {
  hash: async (password) => `cheap ${hash('sha256', password)}`,
  verify: async (password, stored) => stored === `cheap ${hash('sha256', password)}`,
};

const nobody = () => Promise.reject(new Error('nobody syncs here'));

/** Has the routes of syncs there, for tests that look at routes and ask none of these. */
export const NOBODY_SYNCS: NonNullable<HttpDeps['sync']> = {
  check: () => undefined,
  collect: nobody,
  now: nobody,
  room: nobody,
  roomSince: nobody,
};

/** What a request gave. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape.
  readonly json: any;
}

/** One request of a test. */
export interface Ask {
  readonly token?: string;
  readonly body?: unknown;
  /** The body as it is, in place of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The public app on the real owner, over a log in memory; reads are made from that log. */
export async function testHouse(change: Partial<HttpSettings> = {}, deps: Partial<HttpDeps> = {}) {
  const log = new MemoryLog();
  const bus = await memoryBus(log);
  const typed: TypingNotice[] = [];
  const all = { ...(await memoryDeps(log, bus, typed)), settings: { ...SETTINGS, ...change }, ...deps };
  const { app, auth, draining, routes } = buildPublicApp(all);
  holdAnswersAgainstSchemas(app);
  const ask = asker(app);
  const client = (path: string) => `/_matrix/client/v3${path}`;
  return { app, auth, draining, routes, log, bus, typed, deps: all, ask, client };
}

async function memoryDeps(log: MemoryLog, bus: CommandBus, typed: TypingNotice[]): Promise<HttpDeps> {
  return {
    settings: SETTINGS,
    serverName: TEST_SERVER,
    version: '0.0.0-test',
    bus,
    reads: {
      accounts: memoryAccounts(log),
      rooms: memoryRooms(log),
      timeline: memoryTimeline(log),
      directory: memoryDirectory(log),
      // Needs the rules and counts of the models: tried from outside alone.
      notifications: async () => ({ notifications: [] }),
    },
    gate: { reached: async () => true, caughtUp: async () => true },
    slots: 1,
    signer: (await testKeys()).signer,
    passwords: cheapPasswords,
    sessions: new MemorySessions(),
    publishTyping: async (notice) => {
      typed.push(notice);
    },
    now: Date.now,
    random: randomBytes,
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    unready: async () => [],
  };
}

function asker(app: App) {
  return async (method: Method, url: string, options: Ask = {}): Promise<Reply> => {
    const { token, body, raw, headers } = options;
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const reply = await app.inject({
      method,
      url,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    const { statusCode: status, payload: text } = reply;
    return { status, headers: reply.headers, text, json: isJson(text) ? JSON.parse(text) : undefined };
  };
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH' | 'HEAD';

/** A house made by `testHouse`. */
export type TestHouse = Awaited<ReturnType<typeof testHouse>>;

/** A user with a device. */
export interface TestUser {
  readonly id: string;
  readonly token: string;
  readonly device: string;
  ask(method: Method, path: string, body?: unknown): Promise<Reply>;
}

/** Registers a user; `ask` is then relative to `/_matrix/client/v3`. */
export async function register(house: TestHouse, username: string): Promise<TestUser> {
  const body = { username, password: `password of ${username}`, auth: { type: 'm.login.dummy' } };
  const { status, json, text } = await house.ask('POST', house.client('/register'), { body });
  if (status !== 200) throw new Error(`registration: ${status} ${text}`);
  const token: string = json.access_token;
  return {
    id: json.user_id,
    token,
    device: json.device_id,
    ask: (method, path, content) =>
      house.ask(method, house.client(path), { token, ...(content === undefined ? {} : { body: content }) }),
  };
}

/** Makes a room. @returns its ID. */
export async function createRoom(user: TestUser, options: object = {}): Promise<string> {
  const { status, json, text } = await user.ask('POST', '/createRoom', options);
  if (status !== 200) throw new Error(`createRoom: ${status} ${text}`);
  return json.room_id;
}

/** Sends a text. @returns the event's ID. */
export async function sendText(user: TestUser, roomId: string, text: string): Promise<string> {
  const txn = `txn-${hash('sha256', text).slice(0, 12)}`;
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${txn}`;
  const { status, json, text: body } = await user.ask('PUT', path, { msgtype: 'm.text', body: text });
  if (status !== 200) throw new Error(`send: ${status} ${body}`);
  return json.event_id;
}

async function memoryBus(log: MemoryLog): Promise<CommandBus> {
  const owner = await openOwner(log, emptyLoader);
  const bus: CommandBus = {
    execute: (command) =>
      command.kind === 'create_room' && needsSaga(command)
        ? runCreateRoom(command, { owner, bus, stepDone: () => {} })
        : owner.execute(subjectOf(command), command),
  };
  return bus;
}

/** An answer that is not as its route's schema says becomes a failed test: texts pass no serializer. */
function holdAnswersAgainstSchemas(app: App): void {
  const compiled = new Map<TSchema, Validator>();
  app.addHook('onSend', async (request, reply, payload) => {
    const schemas = request.routeOptions.schema?.response;
    if (typeof payload !== 'string' || !isJson(payload) || typeof schemas !== 'object' || schemas === null)
      return;
    const named: unknown =
      Reflect.get(schemas, reply.statusCode) ?? (reply.statusCode >= 400 ? errorSchema : undefined);
    // UIA's 401 and the reasons of `ready` have shapes of their own.
    if (named === undefined || reply.statusCode === 401 || reply.statusCode === 503) return;
    const schema = named as TSchema; // Routes are added with TypeBox schemas only.
    const check = compiled.get(schema) ?? Compile(schema);
    compiled.set(schema, check);
    const value: unknown = JSON.parse(payload);
    if (check.Check(value)) return;
    const text = `${request.method} ${request.url}: ${JSON.stringify(check.Errors(value)[0])} ${payload}`;
    failures.push(text);
  });
}

/** Answers that were not as their schema says; `after` hooks look that there are none. */
export const failures: string[] = [];

function isJson(text: string): boolean {
  return text.startsWith('{') || text.startsWith('[');
}
