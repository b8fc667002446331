import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';
import { checkAppend, checkPartition, checkTopic } from '../check-append.ts';
import { createCodec } from '../codec.ts';
import type { EventLog, LogBatch, LogRecord, NewRecord, Offset, ReadOptions, Writer } from '../port.ts';
import { ownedTopics, type TopicName, topicNames, topics } from '../topics.ts';
import { type AppendTarget, append } from './append.ts';
import { TopicAppends } from './append-together.ts';
import { type LeaseOptions, PostgresAssignment } from './assignment.ts';
import { claimSlot } from './claim.ts';
import { compactPartition } from './compact.ts';
import { Database } from './database.ts';
import { expire, expireEveryMs } from './expire.ts';
import { fetchStored } from './fetch.ts';
import { assertSafe, noteImport, noteImported, noteMaster, openSchema, type PostgresMeta } from './open.ts';
import { readPartition } from './read.ts';
import { Signals } from './signals.ts';
import { type FetchFrom, PartitionTail } from './tail.ts';

/** How a log in Postgres is opened. */
export interface PostgresLogOptions {
  /** Where: a URL, or the driver's settings. */
  readonly connection: string | pg.PoolConfig;
  /** Slots; fixed when the log is made. */
  readonly slots: number;
  /** The server whose log it is. A log without a name takes it; one of another server is refused. */
  readonly serverName?: string;
  /** This node, for claim records: the address of its internal listener. */
  readonly node?: string;
  /** Name and version of this software, for claim records. */
  readonly software?: string;
  /** The most bytes of keys and values in one append (default 1 MiB). */
  readonly maxAppendBytes?: number;
  /** A node's ID (default: random), how often it beats (1 s), its leases' length (5 s), whom it replaces. */
  readonly leases?: Partial<LeaseOptions>;
  /** How often a node that has neighbours looks for what it was not told of, in milliseconds (3 s). */
  readonly pollMs?: number;
}

/**
 * Opens the log in a Postgres, and makes it if it is not there.
 * @throws MilenaError LOG_UNSAFE, LOG_UNAVAILABLE, DATA_MISMATCH.
 */
export async function createPostgresLog(options: PostgresLogOptions): Promise<EventLog> {
  const config =
    typeof options.connection === 'string' ? { connectionString: options.connection } : options.connection;
  const database = new Database(config);
  try {
    await assertSafe(database);
    const meta = await openSchema(database, options.slots, options.serverName);
    const log = new PostgresLog(database, meta, options);
    await log.start();
    return log;
  } catch (error) {
    await database.close();
    throw error;
  }
}

class PostgresLog implements EventLog {
  readonly adapter = 'postgres';
  readonly generation: string;
  readonly serverName: string | undefined;
  readonly slots: number;
  readonly maxAppendBytes: number;
  readonly #database: Database;
  readonly #claim: Uint8Array;
  readonly #tails = new Map<string, PartitionTail>();
  readonly #appends: ReadonlyMap<TopicName, TopicAppends>;
  readonly #signals: Signals;
  readonly #assignment: PostgresAssignment;
  readonly #closed = new AbortController();
  readonly #expiry: NodeJS.Timeout;

  constructor(database: Database, meta: PostgresMeta, options: PostgresLogOptions) {
    this.#database = database;
    this.generation = meta.generation;
    this.serverName = meta.serverName;
    this.slots = meta.slots;
    this.maxAppendBytes = options.maxAppendBytes ?? 1024 * 1024;
    this.#appends = new Map(
      ownedTopics.map((topic) => [topic, new TopicAppends(database, topic, this.maxAppendBytes)]),
    );
    this.#claim = createCodec().encode('claim', {
      node: options.node ?? '',
      software: options.software ?? 'milena',
    });
    const leases = {
      nodeId: randomBytes(9).toString('base64url'),
      heartbeatMs: 1_000,
      ttlMs: 5_000,
      ...options.leases,
    };
    this.#signals = new Signals(
      database.config,
      leases.nodeId,
      {
        appended: (partitions) => {
          for (const partition of partitions) this.#tails.get(partition)?.hint();
        },
        anything: () => void this.#lookEverywhere(),
        leases: () => this.#assignment.poke(),
      },
      options.pollMs ?? 3_000,
    );
    this.#assignment = new PostgresAssignment(database, leases, () => this.#signals.leasesChanged());
    this.#expiry = setInterval(() => {
      expire(database, Date.now()).catch(() => undefined);
    }, expireEveryMs).unref();
  }

  /** Begins to listen to other nodes. */
  async start(): Promise<void> {
    try {
      await this.#signals.start();
    } catch (cause) {
      throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause });
    }
  }

  async claim(slot: number): Promise<Writer> {
    checkPartition('rooms', slot, this.slots);
    const claims = await claimSlot(this.#database, slot, this.#claim, Date.now());
    for (const claim of claims) this.#announce([claim]);
    const { epoch } = claims[0];
    return {
      slot,
      epoch,
      append: async (topic, records) => {
        checkAppend(topic, records, 'owner', this.maxAppendBytes);
        return this.#append({ topic, partition: slot, epoch }, records);
      },
      // A writer has no connection of its own.
      close: () => Promise.resolve(),
    };
  }

  async publish(
    topic: TopicName,
    partition: number,
    records: readonly NewRecord[],
  ): Promise<readonly Offset[]> {
    checkPartition(topic, partition, this.slots);
    checkAppend(topic, records, 'any', this.maxAppendBytes);
    return this.#append({ topic, partition, epoch: 0 }, records);
  }

  read(topic: TopicName, partition: number, options: ReadOptions): AsyncIterable<LogBatch> {
    checkPartition(topic, partition, this.slots);
    return readPartition(
      {
        topic,
        partition,
        fetch: this.#fetch(topic, partition),
        tail: this.#tail(topic, partition),
        end: () => this.end(topic, partition),
        closed: this.#closed.signal,
      },
      options,
    );
  }

  async end(topic: TopicName, partition: number): Promise<Offset> {
    checkPartition(topic, partition, this.slots);
    const { rows } = await this.#database.query(
      {
        name: 'log-end',
        text: 'SELECT next_offset FROM log.partitions WHERE topic = $1 AND partition = $2',
      },
      [topicNames.indexOf(topic), partition],
    );
    return Number(rows[0]?.[0]);
  }

  async ends(topic: TopicName): Promise<readonly Offset[]> {
    checkTopic(topic);
    const { rows } = await this.#database.query(
      {
        name: 'log-ends',
        text: 'SELECT next_offset FROM log.partitions WHERE topic = $1 ORDER BY partition',
      },
      [topicNames.indexOf(topic)],
    );
    return rows.map((row) => Number(row[0]));
  }

  async compact(topic: TopicName, partition: number): Promise<void> {
    checkPartition(topic, partition, this.slots);
    if (topics[topic].kept !== 'compacted') throw new MilenaError('INTERNAL', `${topic} is not compacted`);
    await compactPartition(this.#database, topic, partition);
    this.#tails.get(nameOf(topic, partition))?.forget();
  }

  beginImport(): Promise<void> {
    return noteImport(this.#database);
  }

  endImport(): Promise<void> {
    return noteImported(this.#database);
  }

  noteMaster(id?: string): Promise<string | undefined> {
    return noteMaster(this.#database, id);
  }

  assignment(): PostgresAssignment {
    return this.#assignment;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    clearInterval(this.#expiry);
    this.#assignment.stop();
    await this.#signals.close();
    await this.#database.close();
  }

  async #append(target: AppendTarget, records: readonly NewRecord[]): Promise<readonly Offset[]> {
    // Topics that any node writes have no epoch to tell whose turn it is: each of their appends goes by itself.
    const together = this.#appends.get(target.topic);
    const stored =
      together === undefined
        ? await append(this.#database, target, records)
        : await together.append(target, records);
    this.#announce(stored);
    return stored.map((record) => record.offset);
  }

  /** Wakes this process's readers directly, and other nodes by notification. */
  #announce(stored: readonly LogRecord[]): void {
    const first = stored[0];
    if (first === undefined) return;
    const name = nameOf(first.topic, first.partition);
    this.#tails.get(name)?.appended(stored);
    this.#signals.appended(name);
  }

  #fetch(topic: TopicName, partition: number): FetchFrom {
    return (from, to, limit) => fetchStored(this.#database, topic, partition, { from, to, limit });
  }

  #tail(topic: TopicName, partition: number): PartitionTail {
    const name = nameOf(topic, partition);
    const known = this.#tails.get(name);
    if (known !== undefined) return known;
    const tail = new PartitionTail(this.#fetch(topic, partition), () => this.end(topic, partition));
    this.#tails.set(name, tail);
    return tail;
  }

  /** Compares where partitions end with what readers have: after a reconnection, and now and then. */
  async #lookEverywhere(): Promise<void> {
    try {
      const { rows } = await this.#database.query({
        name: 'log-all-ends',
        text: 'SELECT topic, partition, next_offset FROM log.partitions',
      });
      for (const [topic, partition, next] of rows)
        this.#tails.get(`${topic}.${partition}`)?.endsAt(Number(next));
    } catch {
      // The log is away; the next look finds what this one has missed.
    }
  }
}

/** How a partition is called in signals. */
function nameOf(topic: TopicName, partition: number): string {
  return `${topicNames.indexOf(topic)}.${partition}`;
}
