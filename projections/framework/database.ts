import { channel } from 'node:diagnostics_channel';
import pg from 'pg';
import { asDatabaseError, isUndone } from './database-errors.ts';
import type { Parameter, Statement } from './model.ts';
import { postgresTypes, toPostgresText } from './postgres-text.ts';
import { statementName, WriteBatch } from './write-batch.ts';

/** Told of what is sent to Postgres: `{ name, count }`, the name `query`, `read` or `write`. The bench counts them. */
const statements = channel('milena:models:statement');

/** How the read models' database is reached. */
export interface DatabaseOptions {
  /** Where it is: pg's own settings (`connectionString`, or host and port). */
  readonly connection: pg.ClientConfig;
  /** Connections that commit batches (default 3: one waits for Postgres while others are filled). */
  readonly writers?: number;
  /** Connections that answer queries (default 8). */
  readonly readers?: number;
  /** A Postgres role to act as, for builds that must not see other schemas. */
  readonly role?: string;
  /** Told about connections that broke while nobody used them. */
  readonly onError?: (error: Error) => void;
}

/** The database of the read models: one pool for projectors, one for queries. */
export class Database {
  /** What it was made with, to make others like it. */
  readonly options: DatabaseOptions;
  readonly #connection: pg.ClientConfig;
  readonly #writes: pg.Pool;
  readonly #reads: pg.Pool;

  constructor(options: DatabaseOptions) {
    this.options = options;
    const role = options.role === undefined ? '' : `-c role=${options.role}`;
    const settings = `${options.connection.options ?? ''} ${role}`.trim();
    this.#connection = { ...options.connection, options: settings, types: postgresTypes };
    // Projectors may commit late: rows and checkpoint are lost together and read again from the log.
    this.#writes = new pg.Pool({
      ...this.#connection,
      max: options.writers ?? 3,
      options: `${settings} -c synchronous_commit=off`.trim(),
      application_name: 'milena-projector',
    });
    this.#reads = new pg.Pool({
      ...this.#connection,
      max: options.readers ?? 8,
      application_name: 'milena-queries',
    });
    const onError = options.onError ?? (() => undefined);
    for (const pool of [this.#writes, this.#reads]) {
      pool.on('error', onError);
      // A connection may also break while it is ours between two statements: the next one then fails.
      pool.on('connect', (client) => client.on('error', onError));
    }
  }

  /** Runs a prepared query on a connection of the readers. `text` is one of a few fixed texts. */
  async query<Row extends object>(text: string, values: readonly Parameter[] = []): Promise<readonly Row[]> {
    told('query', 1);
    return this.#prepared(this.#reads, text, values);
  }

  /** As `query`, on a connection of the writers, so that projectors and clients don't wait for each other. */
  async read<Row extends object>(text: string, values: readonly Parameter[] = []): Promise<readonly Row[]> {
    told('read', 1);
    return this.#prepared(this.#writes, text, values);
  }

  /** Commits statements as one transaction. @throws ConnectionLost when whether it happened is not known. */
  async commit(writes: readonly Statement[]): Promise<void> {
    told('write', writes.length);
    const client = await this.#connect(this.#writes);
    let broken = true;
    try {
      const batch = new WriteBatch(writes);
      client.query(batch);
      await batch.done;
      broken = false;
    } catch (error) {
      throw asDatabaseError(error);
    } finally {
      // After an error it is not known which statements the connection has prepared.
      client.release(broken);
    }
  }

  /** Runs statements and undoes them. @throws whatever they would have thrown. */
  async tryOut(writes: readonly Statement[]): Promise<void> {
    try {
      await this.commit([...writes, { text: 'SELECT projection.undo()', values: [] }]);
    } catch (error) {
      if (!isUndone(error)) throw error;
    }
  }

  /** Runs SQL of several statements, without parameters: migrations, tables of a new schema. */
  async script(sql: string): Promise<void> {
    await this.#writes.query(sql).catch((error: unknown) => {
      throw asDatabaseError(error);
    });
  }

  /** Runs `work` in a transaction of several round trips. */
  async transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#connect(this.#writes);
    let broken = true;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      broken = false;
      return result;
    } catch (error) {
      throw asDatabaseError(error);
    } finally {
      client.release(broken);
    }
  }

  /** A connection outside the pools, for LISTEN and advisory locks. The caller ends it. */
  async dedicated(name: string): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#connection, application_name: name, keepAlive: true });
    client.on('error', this.options.onError ?? (() => undefined));
    await client.connect().catch((error: unknown) => {
      throw asDatabaseError(error);
    });
    return client;
  }

  /** Closes all connections of the pools. */
  async close(): Promise<void> {
    await Promise.all([this.#writes.end(), this.#reads.end()]);
  }

  async #connect(pool: pg.Pool): Promise<pg.PoolClient> {
    return pool.connect().catch((error: unknown) => {
      throw asDatabaseError(error);
    });
  }

  async #prepared<Row extends object>(
    pool: pg.Pool,
    text: string,
    values: readonly Parameter[],
  ): Promise<readonly Row[]> {
    const escaped = values.map((value) => (typeof value === 'string' ? toPostgresText(value) : value));
    const result = await pool
      .query<Row>({ name: `q${statementName(text)}`, text, values: escaped })
      .catch((error: unknown) => {
        throw asDatabaseError(error);
      });
    return result.rows;
  }
}

function told(name: 'query' | 'read' | 'write', count: number): void {
  if (statements.hasSubscribers) statements.publish({ name, count });
}
