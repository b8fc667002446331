import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { MilenaError } from '../errors/milena-error.ts';
import { tokenHash, tokenSlot } from './access-token.ts';
import type { HttpDeps } from './deps.ts';
import type { Session } from './reads/account-reads.ts';

/** A request that takes long. */
interface Watcher {
  readonly device_id: string;
  readonly changed: () => void;
}

/** What authentication needs. */
export interface AuthDeps extends Pick<HttpDeps, 'reads' | 'gate' | 'slots' | 'now'> {
  /**
   * Tells the owner that a new access token was used, so that those before it end.
   * @throws MilenaError UNKNOWN_TOKEN when it is none any more.
   */
  confirm(session: Session, hash: string): Promise<unknown>;
}

/** Sessions kept; one is about 500 bytes. */
const SESSIONS = 50_000;
/** A session is read again after this long, milliseconds: a second line behind `invalidate`. */
const SESSION_TTL = 300_000;
/** How long after a revocation the model is not believed about that user without waiting for it. */
const DISTRUST_TTL = 60_000;
/** How long an unknown token waits for the model to catch up. */
const WAIT_MS = 2_000;

/**
 * Who asks: access tokens to sessions, from memory where possible. A revocation acts from the log's tail at
 * once, while the model may still show the device; so after one the model must first have caught up.
 */
export class Authenticator {
  readonly #deps: AuthDeps;
  readonly #sessions = new LRUCache<string, Session>({ max: SESSIONS, ttl: SESSION_TTL });
  readonly #tokensOf = new Map<string, Set<string>>();
  readonly #distrusted: LRUCache<string, number>;
  readonly #watchers = new Map<string, Set<Watcher>>();
  #revocations = 0;

  constructor(deps: AuthDeps) {
    this.#deps = deps;
    this.#distrusted = new LRUCache({ max: SESSIONS, ttl: DISTRUST_TTL });
  }

  /**
   * The session of a request. Gives a promise only when it has to look into the model, or when a new token is used
   * for the first time.
   * @throws MilenaError MISSING_TOKEN, UNKNOWN_TOKEN, UNAVAILABLE (the model is too far behind to know).
   */
  session(request: FastifyRequest): Session | Promise<Session> {
    const token = tokenOf(request);
    if (token === undefined) throw new MilenaError('MISSING_TOKEN');
    return this.sessionOf(token);
  }

  /** Who a token stands for. @throws MilenaError UNKNOWN_TOKEN, UNAVAILABLE */
  sessionOf(token: string): Session | Promise<Session> {
    const hash = tokenHash(token);
    const session = this.#sessions.get(hash);
    return session === undefined ? this.#lookUp(token, hash) : this.#alive(session, hash);
  }

  /** @throws MilenaError USER_LOCKED */
  requireUnlocked({ locked }: Session): void {
    if (locked) throw new MilenaError('USER_LOCKED');
  }

  /**
   * Whether a request shows the token of a locked user, on a route that needs none and takes any other. Nothing is
   * done about the token: it is not used.
   * @throws MilenaError UNAVAILABLE (the model is too far behind to know).
   */
  async showsLocked(request: FastifyRequest): Promise<boolean> {
    const token = tokenOf(request);
    if (token === undefined) return false;
    const hash = tokenHash(token);
    return (this.#sessions.get(hash) ?? (await this.#find(token, hash)))?.locked === true;
  }

  /** A moment among revocations, for `remember`. */
  get mark(): number {
    return this.#revocations;
  }

  /**
   * Notes a session that this node has just made, so that its first requests need no model.
   * @param mark from before it was made: if anything was revoked of the user since, the model is asked instead.
   */
  remember(hash: string, session: Session, mark?: number): void {
    if (mark !== undefined && (this.#distrusted.get(session.user_id) ?? 0) > mark) return;
    this.#sessions.set(hash, session);
    const tokens = this.#tokensOf.get(session.user_id) ?? new Set();
    for (const other of tokens) if (!this.#sessions.has(other)) tokens.delete(other);
    this.#tokensOf.set(session.user_id, tokens.add(hash));
    if (this.#tokensOf.size > 2 * SESSIONS) this.#forgetIdleUsers();
  }

  /**
   * Ends sessions at once, or has them looked up again. To be called for every `device_removed`, `user_deactivated`,
   * `guest_upgraded`, `user_locked`, `user_suspended`, `device_added` and `device_tokens_set` of the log's tail (a login on an existing
   * device ends its old token). @param keep hashes of tokens that stay.
   */
  invalidate(userId: string, deviceIds: readonly string[] | 'all', keep: readonly string[] = []): void {
    this.#revocations += 1;
    this.#distrusted.set(userId, this.#revocations);
    for (const hash of this.#tokensOf.get(userId) ?? []) {
      const session = this.#sessions.get(hash);
      const ended = session !== undefined && (deviceIds === 'all' || deviceIds.includes(session.device_id));
      if (ended && !keep.includes(hash)) this.#sessions.delete(hash);
    }
    for (const { device_id, changed } of [...(this.#watchers.get(userId) ?? [])]) {
      if (deviceIds === 'all' || deviceIds.includes(device_id)) changed();
    }
  }

  /**
   * Calls `changed` when the session is ended or must be looked up again, until the returned function is called: for
   * requests that take long.
   */
  watch({ user_id, device_id }: Session, changed: () => void): () => void {
    const watchers = this.#watchers.get(user_id) ?? new Set();
    const watcher = { device_id, changed };
    this.#watchers.set(user_id, watchers.add(watcher));
    return () => {
      if (watchers.delete(watcher) && watchers.size === 0) this.#watchers.delete(user_id);
    };
  }

  async #lookUp(token: string, hash: string): Promise<Session> {
    const session = await this.#find(token, hash);
    if (session === undefined) throw unknownToken();
    return this.#alive(session, hash);
  }

  /** @throws MilenaError UNAVAILABLE */
  async #find(token: string, hash: string): Promise<Session | undefined> {
    const slot = tokenSlot(token, this.#deps.slots);
    if (slot === undefined) return undefined;
    const before = this.#revocations;
    let session = await this.#deps.reads.accounts.session(hash);
    const doubtful = session === undefined || this.#distrusted.has(session.user_id);
    if (doubtful) {
      const caughtUp = await this.#deps.gate.caughtUp('users', slot, WAIT_MS);
      if (!caughtUp && session !== undefined) throw new MilenaError('UNAVAILABLE');
      session = await this.#deps.reads.accounts.session(hash);
    }
    // What was revoked while we looked is looked up again next time.
    if (session !== undefined) this.remember(hash, session, before);
    return session;
  }

  /** @throws MilenaError UNKNOWN_TOKEN, softly, when the token's time is over. */
  #alive(session: Session, hash: string): Session | Promise<Session> {
    const { expires_at, unused } = session;
    if (expires_at !== null && this.#deps.now() >= expires_at) throw expiredToken();
    return unused ? this.#firstUse(session, hash) : session;
  }

  /** The refresh token that a new token came by ends before the new one does anything (spec: `POST refresh`). */
  async #firstUse(session: Session, hash: string): Promise<Session> {
    const before = this.#revocations;
    await this.#deps.confirm(session, hash);
    const used = { ...session, unused: false };
    this.remember(hash, used, before);
    return used;
  }

  #forgetIdleUsers(): void {
    for (const [userId, tokens] of this.#tokensOf) {
      if (![...tokens].some((hash) => this.#sessions.has(hash))) this.#tokensOf.delete(userId);
    }
  }
}

function unknownToken(): MilenaError {
  return new MilenaError('UNKNOWN_TOKEN', undefined, { expose: { soft_logout: false } });
}

/** The device is still there: its client may refresh the token, or log in again (spec: "Soft logout"). */
function expiredToken(): MilenaError {
  return new MilenaError('UNKNOWN_TOKEN', 'The access token has expired.', { expose: { soft_logout: true } });
}

/** The header, or the query parameter that the spec still allows (deprecated in v1.11). */
function tokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (!request.url.includes('access_token=')) return undefined;
  const query = new URLSearchParams(request.url.slice(request.url.indexOf('?') + 1));
  return query.get('access_token') ?? undefined;
}

/** Whether a request shows an access token, good or not. */
export function hasToken(request: FastifyRequest): boolean {
  return request.headers.authorization !== undefined || tokenOf(request) !== undefined;
}
