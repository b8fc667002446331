/**
 * Sessions: what is neither on the log nor in a read model, with a time to live (architecture, section 1). Every
 * process of a server shares them. Losing one is legal, keeping one past its time is not.
 */

/** What is kept. A new use gets a name here; no two uses share one. */
export type SessionKind = 'uia' | 'login_token' | 'last_seen' | 'seen_followed' | 'openid';

/** Where an entry is: unique among all entries. */
export interface SessionPlace {
  readonly kind: SessionKind;
  /** Whose it is, mostly a user ID; empty where it is nobody's. `list` goes by it. */
  readonly owner: string;
  readonly name: string;
}

/** An entry to be kept. */
export interface SessionEntry extends SessionPlace {
  /** Any text, mostly JSON. */
  readonly value: string;
  /** Milliseconds from now on. */
  readonly ttlMs: number;
}

/**
 * The store. Its operations are atomic, each on its own, whatever the other processes do. All of them reject with
 * UNAVAILABLE when the store cannot be reached.
 */
export interface SessionStore {
  /** The value, undefined when there is none or its time is over. */
  get(place: SessionPlace): Promise<string | undefined>;
  /** What there is of one kind that one owner has, by name. */
  list(kind: SessionKind, owner: string): Promise<ReadonlyMap<string, string>>;
  /** Keeps entries, in place of those that are there. The last of two with one place counts. */
  put(entries: readonly SessionEntry[]): Promise<void>;
  /**
   * Puts an entry in place of one whose value is still `before`. False, and nothing done, when it is not: somebody
   * else was quicker, or its time is over.
   */
  replace(before: string, entry: SessionEntry): Promise<boolean>;
  /** Gives the value and removes it: of several who ask, one gets it. */
  take(place: SessionPlace): Promise<string | undefined>;
  /** Removes an entry, or all that an owner has of a kind. */
  remove(place: Pick<SessionPlace, 'kind' | 'owner'> & { readonly name?: string }): Promise<void>;
  /** Deletes what is over. @returns how many entries that were. */
  sweep(): Promise<number>;
}
