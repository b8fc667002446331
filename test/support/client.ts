import type { Answer, Ask, Http } from './http.ts';

/** A JSON object of an answer, read by hand in tests. */
export type Json = { readonly [key: string]: unknown };

/** An event as the client API shows it. */
export interface ClientEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly room_id?: string;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  readonly content: Json;
  readonly unsigned?: Json;
}

/** One page of `GET /rooms/{roomId}/messages`. */
export interface MessagesPage {
  readonly start: string;
  readonly end?: string;
  readonly chunk: readonly ClientEvent[];
  readonly state?: readonly ClientEvent[];
}

/** A joined room in a sync. */
export interface JoinedRoom {
  readonly timeline?: {
    readonly events: readonly ClientEvent[];
    readonly limited?: boolean;
    readonly prev_batch?: string;
  };
  readonly state?: { readonly events: readonly ClientEvent[] };
  readonly state_after?: { readonly events: readonly ClientEvent[] };
  readonly ephemeral?: { readonly events: readonly ClientEvent[] };
  readonly account_data?: { readonly events: readonly ClientEvent[] };
  readonly unread_notifications?: { readonly notification_count?: number; readonly highlight_count?: number };
  readonly summary?: Json;
}

/** What `GET /sync` answers. */
export interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, JoinedRoom>>;
    readonly invite?: Readonly<
      Record<string, { readonly invite_state: { readonly events: readonly ClientEvent[] } }>
    >;
    readonly leave?: Readonly<Record<string, JoinedRoom>>;
  };
  readonly account_data?: { readonly events: readonly ClientEvent[] };
  readonly presence?: { readonly events: readonly ClientEvent[] };
}

/** How a sync is asked for. */
export interface SyncAsk {
  readonly since?: string | undefined;
  /** Milliseconds to wait for news. */
  readonly timeout?: number;
  /** A filter's ID, or a filter that goes inline. */
  readonly filter?: string | Json;
  readonly fullState?: boolean;
  readonly signal?: AbortSignal;
  readonly query?: Readonly<Record<string, string>>;
}

/** The server answered something other than 200. */
export class Refused extends Error {
  readonly answer: Answer;

  constructor(what: string, answer: Answer) {
    super(`${what}: expected 200, got ${answer.status} ${answer.text.slice(0, 400)}`);
    this.name = 'Refused';
    this.answer = answer;
  }
}

/** The path of the v3 client API. */
export const V3 = '/_matrix/client/v3';

let transactions = 0;

/** A transaction ID that this process has not used yet. */
export function freshTransaction(): string {
  transactions += 1;
  return `t${process.pid}.${Date.now().toString(36)}.${transactions}`;
}

/** A path with every part percent-encoded: `path('rooms', id, 'join')`. */
export function path(...parts: readonly string[]): string {
  return `${V3}/${parts.map(encodeURIComponent).join('/')}`;
}

/** One device of one user. Every method rejects with `Refused` unless the server says 200. */
export class Client {
  readonly http: Http;
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;

  constructor(
    http: Http,
    who: { readonly userId: string; readonly deviceId: string; readonly token: string },
  ) {
    this.http = http;
    this.userId = who.userId;
    this.deviceId = who.deviceId;
    this.token = who.token;
  }

  /** Asks with this device's token and gives whatever came. */
  ask(method: string, where: string, ask: Ask = {}): Promise<Answer> {
    return this.http.ask(method, where, { token: this.token, ...ask });
  }

  /** Asks and wants 200 with a JSON object. */
  async get200(method: string, where: string, ask: Ask = {}): Promise<Json> {
    return expect200(`${method} ${where}`, await this.ask(method, where, ask));
  }

  async createRoom(body: Json = {}): Promise<string> {
    return text(await this.get200('POST', path('createRoom'), { json: body }), 'room_id');
  }

  async join(roomIdOrAlias: string): Promise<string> {
    return text(await this.get200('POST', path('join', roomIdOrAlias), { json: {} }), 'room_id');
  }

  async leave(roomId: string): Promise<void> {
    await this.get200('POST', path('rooms', roomId, 'leave'), { json: {} });
  }

  async invite(roomId: string, userId: string): Promise<void> {
    await this.get200('POST', path('rooms', roomId, 'invite'), { json: { user_id: userId } });
  }

  async send(roomId: string, type: string, content: Json, txnId = freshTransaction()): Promise<string> {
    const where = path('rooms', roomId, 'send', type, txnId);
    return text(await this.get200('PUT', where, { json: content }), 'event_id');
  }

  /** Sends an `m.text` message. */
  say(roomId: string, body: string, txnId = freshTransaction()): Promise<string> {
    return this.send(roomId, 'm.room.message', { msgtype: 'm.text', body }, txnId);
  }

  async setState(roomId: string, type: string, stateKey: string, content: Json): Promise<string> {
    const where = path('rooms', roomId, 'state', type, stateKey);
    return text(await this.get200('PUT', where, { json: content }), 'event_id');
  }

  async state(roomId: string, type: string, stateKey = ''): Promise<Json> {
    return this.get200('GET', path('rooms', roomId, 'state', type, stateKey));
  }

  async redact(roomId: string, eventId: string, reason?: string): Promise<string> {
    const where = path('rooms', roomId, 'redact', eventId, freshTransaction());
    return text(
      await this.get200('PUT', where, { json: reason === undefined ? {} : { reason } }),
      'event_id',
    );
  }

  async messages(roomId: string, query: Readonly<Record<string, string>>): Promise<MessagesPage> {
    const where = `${path('rooms', roomId, 'messages')}?${new URLSearchParams(query)}`;
    // The shape of the answer is what the tests then check field by field.
    return (await this.get200('GET', where)) as unknown as MessagesPage;
  }

  /** Every event of the room that this user may see, oldest first, paged backwards from its end. */
  async history(roomId: string, pageSize = 500): Promise<readonly ClientEvent[]> {
    const pages: (readonly ClientEvent[])[] = [];
    let from: string | undefined;
    for (;;) {
      const page = await this.messages(roomId, {
        dir: 'b',
        limit: String(pageSize),
        ...(from === undefined ? {} : { from }),
      });
      pages.push(page.chunk);
      if (page.end === undefined) return pages.flat().reverse();
      from = page.end;
    }
  }

  async sync(how: SyncAsk = {}): Promise<SyncAnswer> {
    const query = new URLSearchParams(how.query);
    if (how.since !== undefined) query.set('since', how.since);
    if (how.timeout !== undefined) query.set('timeout', String(how.timeout));
    if (how.fullState === true) query.set('full_state', 'true');
    if (how.filter !== undefined)
      query.set('filter', typeof how.filter === 'string' ? how.filter : JSON.stringify(how.filter));
    const answer = await this.ask('GET', `${V3}/sync?${query}`, {
      timeout: 30_000 + (how.timeout ?? 0),
      ...(how.signal === undefined ? {} : { signal: how.signal }),
    });
    // As above: the shape is what the tests check.
    return expect200('GET /sync', answer) as unknown as SyncAnswer;
  }

  /** Syncs on until `enough` holds for an answer, at most `within` milliseconds. */
  async syncUntil(
    since: string | undefined,
    enough: (answer: SyncAnswer) => boolean,
    within = 10_000,
  ): Promise<SyncAnswer> {
    const end = performance.now() + within;
    let token = since;
    while (performance.now() < end) {
      const answer = await this.sync({
        since: token,
        timeout: Math.max(1, Math.min(2000, Math.round(end - performance.now()))),
      });
      if (enough(answer)) return answer;
      token = answer.next_batch;
    }
    throw new Error(`what was waited for did not come down /sync within ${within} ms`);
  }

  async logout(): Promise<void> {
    await this.get200('POST', path('logout'), { json: {} });
  }
}

let users = 0;

/** A localpart that no other test of this run has. */
export function freshName(stem = 'user'): string {
  users += 1;
  return `${stem}-${process.pid}-${users}`;
}

/** Registers a user with one `m.login.dummy` request and gives its first device. */
export async function register(
  http: Http,
  name = freshName(),
  password = 'correct horse battery',
): Promise<Client> {
  const answer = await http.ask('POST', path('register'), {
    json: { username: name, password, auth: { type: 'm.login.dummy' } },
  });
  return device(http, expect200('POST /register', answer));
}

/** Logs a user in on a new device, or on `deviceId`. */
export async function login(http: Http, user: string, password: string, deviceId?: string): Promise<Client> {
  const answer = await http.ask('POST', path('login'), {
    json: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
      ...(deviceId === undefined ? {} : { device_id: deviceId }),
    },
  });
  return device(http, expect200('POST /login', answer));
}

/** The device that an answer to a login or a registration tells of. */
export function device(http: Http, body: Json): Client {
  return new Client(http, {
    userId: text(body, 'user_id'),
    deviceId: text(body, 'device_id'),
    token: text(body, 'access_token'),
  });
}

function expect200(what: string, answer: Answer): Json {
  if (answer.status !== 200) throw new Refused(what, answer);
  if (!isObject(answer.json))
    throw new Error(`${what}: 200 without a JSON object: ${answer.text.slice(0, 200)}`);
  return answer.json;
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string property of an answer. @throws Error when it is missing. */
export function text(body: Json, key: string): string {
  const value = body[key];
  if (typeof value !== 'string') throw new Error(`"${key}" should be a string: ${JSON.stringify(body)}`);
  return value;
}
