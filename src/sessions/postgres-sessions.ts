import type pg from 'pg';
import { openPool, unavailable } from './open.ts';
import type { SessionEntry, SessionKind, SessionPlace, SessionStore } from './port.ts';
import { PostgresRateLedger, type RateLedger } from './rate-ledger.ts';

/** How the store is opened. */
export interface PostgresSessionsOptions {
  /** A Postgres URL. */
  readonly connection: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told of failures nobody waits for. */
  readonly report: (error: unknown) => void;
}

/** Sessions are few and their statements take well under a millisecond. */
const CONNECTIONS = 4;
/** Milliseconds between sweeps of one process. What is over is not seen anyhow; this bounds the table. */
const SWEEP_MS = 60_000;
/** Rows that one sweep deletes at most: a long one would hold its locks for as long. */
const SWEEP_ROWS = 5_000;
/** Milliseconds after which a connection that says nothing is taken for dead. */
const SILENCE_MS = 20_000;

const GET = `SELECT value FROM sessions.entries
  WHERE kind = $1 AND owner = $2 AND name = $3 AND expires_at > $4`;
const LIST = `SELECT name, value FROM sessions.entries WHERE kind = $1 AND owner = $2 AND expires_at > $3`;
// Sorted, so that two that put the same places do not wait for each other in a circle.
const PUT = `INSERT INTO sessions.entries AS e
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[]) n(kind, owner, name, value, until)
  ORDER BY kind, owner, name
  ON CONFLICT (kind, owner, name) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at`;
const REPLACE = `UPDATE sessions.entries SET value = $5, expires_at = $6
  WHERE kind = $1 AND owner = $2 AND name = $3 AND value = $4 AND expires_at > $7`;
const TAKE = `DELETE FROM sessions.entries WHERE kind = $1 AND owner = $2 AND name = $3
  RETURNING value, expires_at > $4 AS fresh`;
const REMOVE =
  'DELETE FROM sessions.entries WHERE kind = $1 AND owner = $2 AND ($3::text IS NULL OR name = $3)';
// Several processes sweep: each takes rows that no other holds.
const SWEEP = `DELETE FROM sessions.entries WHERE (kind, owner, name) IN (
  SELECT kind, owner, name FROM sessions.entries WHERE expires_at <= $1
  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)`;

/** Sessions in Postgres, in a schema of their own that no rebuild touches. */
export class PostgresSessions implements SessionStore, AsyncDisposable {
  /** What nodes tell each other of rate limits, over the same connections. */
  readonly rates: RateLedger;
  readonly #pool: pg.Pool;
  readonly #now: () => number;
  readonly #sweeper: NodeJS.Timeout;

  /** Opens it and makes what is missing. @throws MilenaError DATA_MISMATCH, UNAVAILABLE */
  static async open(options: PostgresSessionsOptions): Promise<PostgresSessions> {
    const { connection } = options;
    const pool = await openPool({
      connection,
      name: 'milena-sessions',
      max: CONNECTIONS,
      silenceMs: SILENCE_MS,
    });
    return new PostgresSessions(pool, options);
  }

  private constructor(pool: pg.Pool, { now, report }: PostgresSessionsOptions) {
    this.#pool = pool;
    this.rates = new PostgresRateLedger(pool);
    this.#now = now;
    this.#sweeper = setInterval(() => void this.sweep().catch(report), SWEEP_MS);
    this.#sweeper.unref();
  }

  async get(place: SessionPlace): Promise<string | undefined> {
    const { rows } = await this.#run<{ value: string }>('get', GET, [...key(place), this.#now()]);
    return rows[0]?.value;
  }

  async list(kind: SessionKind, owner: string): Promise<ReadonlyMap<string, string>> {
    const values = [kind, storable(owner), this.#now()];
    const { rows } = await this.#run<{ name: string; value: string }>('list', LIST, values);
    return new Map(rows.map(({ name, value }) => [asGiven(name), value]));
  }

  async put(entries: readonly SessionEntry[]): Promise<void> {
    const last = new Map(entries.map((entry) => [key(entry).join('\n'), entry]));
    if (last.size === 0) return;
    const rows = [...last.values()];
    const [kinds, owners, names] = [0, 1, 2].map((index) => rows.map((entry) => key(entry)[index]));
    const values = rows.map(({ value }) => value);
    await this.#run('put', PUT, [kinds, owners, names, values, rows.map(({ ttlMs }) => this.#until(ttlMs))]);
  }

  async replace(before: string, entry: SessionEntry): Promise<boolean> {
    const values = [...key(entry), before, entry.value, this.#until(entry.ttlMs), this.#now()];
    return (await this.#run('replace', REPLACE, values)).rowCount === 1;
  }

  async take(place: SessionPlace): Promise<string | undefined> {
    const values = [...key(place), this.#now()];
    const { rows } = await this.#run<{ value: string; fresh: boolean }>('take', TAKE, values);
    return rows[0]?.fresh === true ? rows[0].value : undefined;
  }

  async remove({ kind, owner, name }: Parameters<SessionStore['remove']>[0]): Promise<void> {
    await this.#run('remove', REMOVE, [kind, storable(owner), name === undefined ? null : storable(name)]);
  }

  async sweep(): Promise<number> {
    return (await this.#run('sweep', SWEEP, [this.#now(), SWEEP_ROWS])).rowCount ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#pool.end();
  }

  #until(ttlMs: number): number {
    return this.#now() + Math.round(ttlMs);
  }

  async #run<Row extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    try {
      return await this.#pool.query<Row>({ name: `sessions-${name}`, text, values });
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function key({ kind, owner, name }: SessionPlace): readonly [string, string, string] {
  return [kind, storable(owner), storable(name)];
}

/** Postgres has no NUL in texts; a client may well send one in place of a session's ID. */
function storable(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0');
}

function asGiven(stored: string): string {
  return stored.replaceAll(/\\(.)/g, (_, mark: string) => (mark === '0' ? '\0' : mark));
}
