import pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';
import { atMost, goodbyeMs, type Rows, run, type Statement } from './database.ts';

const channelName = 'milena_log';

/** How the listening connections are found among the server's: who sees no other need not notify. */
const applicationName = 'milena-log-listener';

/** After how long without an answer a connection is taken for broken. */
const silenceMs = 5_000;

/** How soon a broken connection is made anew. */
const reconnectMs = 250;

const notify = { name: 'log-notify', text: 'SELECT pg_notify($1, $2)' };

const listeners = {
  name: 'log-listeners',
  text: `SELECT count(*)::int FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`,
};

/** What a node is told by others, and by itself when it may have missed something. */
export interface SignalTargets {
  /** Partitions (`topic.partition`, by number) to which something was appended elsewhere. */
  appended(partitions: readonly string[]): void;
  /** Anything may have happened: look everywhere. */
  anything(): void;
  /** Leases have changed. */
  leases(): void;
}

/**
 * Signals between the nodes of a log, by LISTEN and NOTIFY on a connection of their own. NOTIFY takes a lock
 * that all notifying transactions of the server share, so it stays out of appends, and what comes while one
 * is under way goes with the next. A node that is alone sends none.
 */
export class Signals {
  readonly #config: pg.ClientConfig;
  readonly #node: string;
  readonly #targets: SignalTargets;
  readonly #pollMs: number;
  #client: pg.Client | undefined;
  /** Whether other nodes may be listening. */
  #others = true;
  #dirty = new Set<string>();
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** One query at a time goes over the connection. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: pg.ClientConfig, node: string, targets: SignalTargets, pollMs: number) {
    this.#config = {
      keepAlive: true,
      query_timeout: silenceMs,
      connectionTimeoutMillis: silenceMs,
      ...config,
      application_name: applicationName,
    };
    this.#node = node;
    this.#targets = targets;
    this.#pollMs = pollMs;
  }

  /** Connects; from then on it reconnects by itself. */
  async start(): Promise<void> {
    await this.#connect();
    this.#schedule(this.#pollMs);
  }

  /** Tells the others that something was appended. */
  appended(partition: string): void {
    if (this.#others) this.#tell(partition);
  }

  /** Tells the others that leases have changed. */
  leasesChanged(): void {
    this.#tell('leases');
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await atMost(goodbyeMs, client.end());
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#config);
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''));
    await client.connect();
    if (this.#closed) return client.end();
    // These transactions write nothing that could be lost.
    await client.query(`SET synchronous_commit = off; LISTEN ${channelName}`);
    this.#client = client;
    this.#others = true;
    this.#tell('hello');
    this.#targets.anything();
  }

  #drop(client: pg.Client): void {
    if (this.#closed || this.#client !== client) return;
    this.#client = undefined;
    // While nobody can be heard, somebody may be there.
    this.#others = true;
    clearTimeout(this.#timer);
    this.#schedule(reconnectMs);
  }

  #hear(payload: string): void {
    const [from, ...words] = payload.split(' ');
    if (from === this.#node) return;
    // A node that has just come may have missed what was appended before this one knew of it.
    if (words.includes('hello')) {
      this.#others = true;
      this.#tell('anything');
    }
    if (words.includes('hello') || words.includes('anything')) this.#targets.anything();
    if (words.includes('leases')) this.#targets.leases();
    const partitions = words.filter((word) => word.includes('.'));
    if (partitions.length > 0) this.#targets.appended(partitions);
  }

  #tell(word: string): void {
    this.#dirty.add(word);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    // What is told in the same turn goes together.
    await Promise.resolve();
    while (this.#dirty.size > 0 && this.#client !== undefined) {
      const words = this.#dirty;
      this.#dirty = new Set();
      try {
        await this.#query(notify, [channelName, [this.#node, ...words].join(' ')]);
      } catch {
        // The connection is gone. The next one says hello, and then all nodes look everywhere.
        return;
      }
    }
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#check().then(
        () => this.#schedule(this.#pollMs),
        () => this.#schedule(reconnectMs),
      );
    }, delayMs);
    this.#timer.unref();
  }

  /** Now and then: reconnects, or looks whether there are others. */
  async #check(): Promise<void> {
    if (this.#client === undefined) return this.#connect();
    const { rows } = await this.#query(listeners, [applicationName]);
    this.#others = rows[0]?.[0] !== 0;
    if (this.#others) this.#targets.anything();
  }

  #query(statement: Statement, values: readonly unknown[]): Promise<Rows> {
    const result = this.#queue.then(async () => {
      const client = this.#client;
      if (client === undefined) throw new MilenaError('LOG_UNAVAILABLE');
      try {
        return await run(client, statement, values);
      } catch (error) {
        // It may be silent without being closed: then nothing would ever be heard over it.
        this.#drop(client);
        void client.end().catch(() => undefined);
        throw error;
      }
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
