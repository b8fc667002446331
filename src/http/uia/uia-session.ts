import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import type { UserId } from '../../matrix/identifiers.ts';
import type { SessionStore } from '../../sessions/port.ts';
import type { HttpDeps } from '../deps.ts';
import type { Flow, Proven, Stage } from './stage.ts';

/** How long a client has for all stages together, milliseconds. Every stage begins it anew. */
const TTL_MS = 3_600_000;
/** How long a request may take that is performed, milliseconds. Then its node has died: the client begins again. */
const PERFORMING_MS = 60_000;
/** How long the result of a completed session is given again, milliseconds: clients try again within seconds. */
const RESULT_MS = 120_000;
const ID_BYTES = 24;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A request that waits for its stages (spec: client-server API, "User-Interactive Authentication API"). */
export interface UiaSession {
  /** What the client names it by. Only its hash is stored. */
  readonly id: string;
  /** Method and path: it is good for this and nothing else. */
  readonly operation: string;
  /** Who asks; null where no access token is needed. */
  readonly user: UserId | null;
  readonly flows: readonly Flow[];
  readonly completed: readonly Stage[];
  readonly proven: Proven;
  /** The parameters of the request, canonical JSON without `auth`; `{}` where none has come yet. */
  readonly parameters: string;
  /** There once all stages are completed and what was asked for is done, or being done. */
  readonly end?: UiaEnd | undefined;
}

/** What came of a session. */
export interface UiaEnd {
  /** The parameters of the request that was performed, as `UiaSession.parameters`. */
  readonly asked: string;
  /** Its result as JSON; undefined while it is under way. */
  readonly result?: string | undefined;
}

/** A session as it is stored, and the text that it was read from. */
export interface StoredSession {
  readonly session: UiaSession;
  readonly text: string;
}

/**
 * The sessions of the UIA, in the session store. The parameters may hold a new password and the result an access
 * token, so they are encrypted with a key that only the client has: it is made from the session's ID, and of that the
 * store has the hash.
 */
export class UiaSessions {
  readonly #store: SessionStore;
  readonly #random: HttpDeps['random'];

  constructor({ sessions, random }: Pick<HttpDeps, 'sessions' | 'random'>) {
    this.#store = sessions;
    this.#random = random;
  }

  /** A session that nobody has begun yet; it is not stored. */
  begin(about: Pick<UiaSession, 'operation' | 'user' | 'flows' | 'parameters'>): UiaSession {
    const id = Buffer.from(this.#random(ID_BYTES)).toString('base64url');
    return { id, ...about, completed: [], proven: {} };
  }

  /** Undefined when there is none of this ID, or its time is over. */
  async find(id: string): Promise<StoredSession | undefined> {
    const text = await this.#store.get(placeOf(id));
    return text === undefined ? undefined : { session: parse(id, text), text };
  }

  /** Stores one that was begun, or puts it back. */
  async keep(session: UiaSession): Promise<void> {
    await this.#store.put([entryOf(session, TTL_MS)]);
  }

  /**
   * Notes that a session whose stages are complete is being performed: of several requests with it one is told to.
   * The others get it with the `end` that the first one noted; undefined when it has gone.
   */
  async claim(
    id: string,
    asked: string,
  ): Promise<{ readonly session: UiaSession; readonly performs: boolean } | undefined> {
    for (;;) {
      const found = await this.find(id);
      if (found === undefined) return undefined;
      if (found.session.end !== undefined) return { session: found.session, performs: false };
      const session = { ...found.session, end: { asked } };
      if (await this.#store.replace(found.text, entryOf(session, PERFORMING_MS))) {
        return { session, performs: true };
      }
    }
  }

  /** Stores the result of one that was claimed, for requests that come again. @param result JSON */
  async finish(session: UiaSession, asked: string, result: string): Promise<void> {
    await this.#store.put([entryOf({ ...session, end: { asked, result } }, RESULT_MS)]);
  }

  /**
   * Stores a change; undefined when the session has gone. Where another request was quicker, the change is made
   * again to what that one left.
   */
  async change(id: string, how: (session: UiaSession) => UiaSession): Promise<UiaSession | undefined> {
    for (;;) {
      const found = await this.find(id);
      if (found === undefined) return undefined;
      const changed = how(found.session);
      if (changed === found.session) return changed;
      if (await this.#store.replace(found.text, entryOf(changed, TTL_MS))) return changed;
    }
  }

  /** Takes a session whose stages are complete: of several requests with it, one gets it. */
  async take(id: string): Promise<UiaSession | undefined> {
    const text = await this.#store.take(placeOf(id));
    return text === undefined ? undefined : parse(id, text);
  }
}

function placeOf(id: string) {
  return { kind: 'uia', owner: '', name: hash('sha256', id, 'base64url') } as const;
}

function entryOf(session: UiaSession, ttlMs: number) {
  return { ...placeOf(session.id), value: textOf(session), ttlMs };
}

function textOf({ id, parameters, end, ...session }: UiaSession): string {
  const ended = end === undefined ? {} : { ended: seal(id, JSON.stringify(end)) };
  return JSON.stringify({ ...session, sealed: seal(id, parameters), ...ended });
}

function parse(id: string, text: string): UiaSession {
  // The store holds what `textOf` has made.
  const { sealed, ended, ...session } = JSON.parse(text) as Omit<UiaSession, 'id' | 'parameters' | 'end'> & {
    readonly sealed: string;
    readonly ended?: string;
  };
  const end = ended === undefined ? {} : { end: JSON.parse(open(id, ended)) as UiaEnd };
  return { ...session, id, parameters: open(id, sealed), ...end };
}

function seal(id: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(id), nonce);
  const parts = [nonce, cipher.update(text, 'utf8'), cipher.final()];
  return Buffer.concat([...parts, cipher.getAuthTag()]).toString('base64');
}

function open(id: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(id), bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  return Buffer.concat([text, decipher.final()]).toString('utf8');
}

/** Another hash than the one that the store has. */
function keyOf(id: string): Buffer {
  return hash('sha256', `milena uia parameters\u0000${id}`, 'buffer');
}
