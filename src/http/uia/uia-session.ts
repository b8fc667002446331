import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import type { UserId } from '../../matrix/identifiers.ts';
import type { SessionStore } from '../../sessions/port.ts';
import type { HttpDeps } from '../deps.ts';
import type { Flow, Proven, Stage } from './stage.ts';

/** How long a client has for all stages together, milliseconds. Every stage begins it anew. */
const TTL_MS = 3_600_000;
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
}

/** A session as it is stored, and the text that it was read from. */
export interface StoredSession {
  readonly session: UiaSession;
  readonly text: string;
}

/**
 * The sessions of the UIA, in the session store. The parameters may hold a new password, so they are encrypted
 * with a key that only the client has: it is made from the session's ID, and of that the store has the hash.
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
    await this.#store.put([{ ...placeOf(session.id), value: textOf(session), ttlMs: TTL_MS }]);
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
      const entry = { ...placeOf(id), value: textOf(changed), ttlMs: TTL_MS };
      if (await this.#store.replace(found.text, entry)) return changed;
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

function textOf({ id, parameters, ...session }: UiaSession): string {
  return JSON.stringify({ ...session, sealed: seal(id, parameters) });
}

function parse(id: string, text: string): UiaSession {
  // The store holds what `textOf` has made.
  const { sealed, ...session } = JSON.parse(text) as Omit<UiaSession, 'id' | 'parameters'> & {
    readonly sealed: string;
  };
  return { ...session, id, parameters: open(id, sealed) };
}

function seal(id: string, parameters: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(id), nonce);
  const parts = [nonce, cipher.update(parameters, 'utf8'), cipher.final()];
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
