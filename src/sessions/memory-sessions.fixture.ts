import type { SessionEntry, SessionKind, SessionPlace, SessionStore } from './port.ts';

interface Kept {
  readonly entry: SessionEntry;
  readonly until: number;
}

/** Sessions in memory, for tests that need no Postgres. It passes the port's contract. */
export class MemorySessions implements SessionStore {
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async get(place: SessionPlace): Promise<string | undefined> {
    return this.#fresh(place)?.entry.value;
  }

  async list(kind: SessionKind, owner: string): Promise<ReadonlyMap<string, string>> {
    const all = [...this.#kept.values()].map(({ entry }) => entry);
    const mine = all.filter((entry) => entry.kind === kind && entry.owner === owner);
    return new Map(mine.filter((one) => this.#fresh(one)).map(({ name, value }) => [name, value]));
  }

  async put(entries: readonly SessionEntry[]): Promise<void> {
    for (const entry of entries) this.#kept.set(key(entry), { entry, until: this.#now() + entry.ttlMs });
  }

  async replace(before: string, entry: SessionEntry): Promise<boolean> {
    if (this.#fresh(entry)?.entry.value !== before) return false;
    await this.put([entry]);
    return true;
  }

  async take(place: SessionPlace): Promise<string | undefined> {
    const value = this.#fresh(place)?.entry.value;
    this.#kept.delete(key(place));
    return value;
  }

  async remove({ kind, owner, name }: Parameters<SessionStore['remove']>[0]): Promise<void> {
    for (const [at, { entry }] of this.#kept) {
      const meant = entry.kind === kind && entry.owner === owner && (name ?? entry.name) === entry.name;
      if (meant) this.#kept.delete(at);
    }
  }

  async sweep(): Promise<number> {
    const over = [...this.#kept].filter(([, { until }]) => until <= this.#now());
    for (const [at] of over) this.#kept.delete(at);
    return over.length;
  }

  #fresh(place: SessionPlace): Kept | undefined {
    const kept = this.#kept.get(key(place));
    return kept !== undefined && kept.until > this.#now() ? kept : undefined;
  }
}

function key({ kind, owner, name }: SessionPlace): string {
  return JSON.stringify([kind, owner, name]);
}
