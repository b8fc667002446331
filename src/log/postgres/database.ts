import { channel } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';

/** Told of each statement that the log sends: `{ name }`. The bench counts them. */
const statements = channel('milena:log:statement');

/** A statement with a name, prepared once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** What a statement gives: rows as arrays of what Postgres says in text. `bigint` comes as a number. */
export interface Rows {
  readonly rows: readonly (readonly unknown[])[];
  readonly rowCount: number;
}

/** Postgres's `int8`: offsets and times stay far below 2^53. */
const int8 = 20;

/** Column types as the log wants them. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid === int8) return Number;
    // The second argument's type has no overload for the union that this function was given.
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

/** Sends a statement over a connection. Errors are Postgres's own: see `refused` and `unavailable`. */
export async function run(
  client: pg.ClientBase,
  statement: Statement,
  values: readonly unknown[] = [],
): Promise<Rows> {
  if (statements.hasSubscribers) statements.publish({ name: statement.name });
  const result = await client.query<unknown[]>({
    name: statement.name,
    text: statement.text,
    values: [...values],
    rowMode: 'array',
    types: columnTypes,
  });
  return { rows: result.rows, rowCount: result.rowCount ?? 0 };
}

/** Pauses before a statement that may run twice is sent again. */
const retryPausesMs = [0, 20, 100];

/**
 * After so many milliseconds without an answer a connection is taken for dead: a network that swallows packets
 * says nothing for a quarter of an hour.
 */
const silenceMs = 20_000;

/** The log's connections. */
export class Database {
  readonly config: pg.PoolConfig;
  readonly #pool: pg.Pool;

  constructor(config: pg.PoolConfig) {
    this.config = config;
    this.#pool = new pg.Pool({
      max: 10,
      connectionTimeoutMillis: 5_000,
      query_timeout: silenceMs,
      keepAlive: true,
      ...config,
    });
    // A connection that dies while idle is replaced; whoever uses one that dies gets the error.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /**
   * Takes a connection, for one use.
   * @throws MilenaError LOG_UNAVAILABLE when there is none to be had; nothing was sent then.
   */
  async connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause });
    }
  }

  /**
   * Runs a statement that changes nothing, or that may run twice. A connection that died while it was idle is
   * found out only by using it, so it is tried again on others.
   * @throws MilenaError LOG_UNAVAILABLE
   */
  async query(statement: Statement, values: readonly unknown[] = []): Promise<Rows> {
    for (const pauseMs of retryPausesMs) {
      const client = await this.connect();
      try {
        const rows = await run(client, statement, values);
        client.release();
        return rows;
      } catch (cause) {
        client.release(true);
        if (refused(cause)) throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause });
        await sleep(pauseMs);
      }
    }
    return this.use((client) => run(client, statement, values));
  }

  /** Runs work on one connection; it is thrown away after an error. @throws MilenaError LOG_UNAVAILABLE */
  async use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      if (error instanceof MilenaError) throw error;
      throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause: error });
    }
  }

  /** Runs work in a transaction. @throws MilenaError LOG_UNAVAILABLE; whether it committed is not known then. */
  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.use(async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    });
  }

  /** Closes the connections when what is under way has ended; does not wait for one that is silent. */
  async close(): Promise<void> {
    await atMost(goodbyeMs, this.#pool.end());
  }
}

/** How long a server is given to say goodbye. */
export const goodbyeMs = 3_000;

/** Waits for work to end, however it does, but not longer than so many milliseconds. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const giveUp = new AbortController();
  const ended = work.catch(() => undefined).finally(() => giveUp.abort());
  await Promise.race([ended, sleep(ms, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
}

/**
 * Whether the server said for certain that a statement was not executed: an error of the statement itself.
 * FATAL and worse end the session, perhaps after the commit; no answer at all says nothing.
 */
export function refused(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}
