import { channel } from 'node:diagnostics_channel';
import type pg from 'pg';
import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { LogRecord, NewRecord } from '../port.ts';
import { ownedTopics, type TopicName, topicNames } from '../topics.ts';
import { type AppendTarget, append, onConnection, packedLists, standing } from './append.ts';
import { type Database, run, type Statement } from './database.ts';
import { list, pack } from './pack.ts';

/** Told of each commit: `{ topic, appends, records }`, the writers' appends and records that it holds. */
const commits = channel('milena:log:commit');

/**
 * As the statement for one partition (`append.ts`), for several at once. Rows that somebody else has locked
 * are passed over, so that it waits for nobody and cannot be part of a deadlock; they and those whose epoch is
 * another have no place in the answer.
 */
const statements: ReadonlyMap<TopicName, Statement> = new Map(
  ownedTopics.map((topic) => [
    topic,
    {
      name: `log-append-${topic}-together`,
      text: `
WITH wanted AS (
  SELECT p.partition, w.epoch, w.count, w.at, w.before
  FROM unnest($1::smallint[], $2::bigint[], $3::int[], $4::bigint[], $5::int[]) AS w (partition, epoch, count, at, before)
  JOIN log.partitions p ON p.topic = ${topicNames.indexOf(topic)} AND p.partition = w.partition AND p.epoch = w.epoch
  FOR UPDATE OF p SKIP LOCKED
), place AS (
  UPDATE log.partitions p
  SET next_offset = next_offset + w.count, prev_at = last_at, last_at = greatest(last_at, w.at)
  FROM wanted w WHERE p.topic = ${topicNames.indexOf(topic)} AND p.partition = w.partition
  RETURNING p.partition, w.epoch, w.before, w.count, p.next_offset - w.count AS first, p.prev_at
), written AS (
  INSERT INTO log.${topic} ("offset", epoch, at, origin, partition, part, type, key, command, value)
  SELECT p.first + r.n - 1 - p.before, p.epoch, greatest(r.at, p.prev_at), r.origin, p.partition, r.part, r.type,
    substring($6::bytea FROM r.start FOR r.keys),
    substring($6::bytea FROM r.start + r.keys FOR r.commands),
    CASE WHEN r.bytes >= 0 THEN substring($6::bytea FROM r.start + r.keys + r.commands FOR r.bytes) END
  FROM unnest($7::bigint[], $8::bigint[], $9::smallint[], $10::text[], $11::int[], $12::int[], $13::int[],
    $14::int[]) WITH ORDINALITY AS r (at, origin, part, type, start, keys, commands, bytes, n)
  JOIN place p ON r.n > p.before AND r.n <= p.before + p.count
)
SELECT partition, epoch, first, prev_at FROM place`,
    },
  ]),
);

/** While a commit takes longer than this, milliseconds, others do not wait for it: somebody holds its row. */
const stallMs = 10;

/** One writer's append that waits for its turn. */
interface Waiting {
  readonly target: AppendTarget;
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly resolve: (stored: readonly LogRecord[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The appends of a process's writers to one topic. What comes while one commit is under way goes together in
 * the next, whichever slots it is for: fifty senders over eight slots share a commit as if they had one.
 * Each writer's append stands or falls alone: what could not go along is tried by itself.
 */
export class TopicAppends {
  readonly #database: Database;
  readonly #topic: TopicName;
  readonly #maxBytes: number;
  #waiting: Waiting[] = [];
  #running = false;

  /** @param maxBytes of keys and values in one commit, unless its first append alone has more. */
  constructor(database: Database, topic: TopicName, maxBytes: number) {
    this.#database = database;
    this.#topic = topic;
    this.#maxBytes = maxBytes;
  }

  /** As `append`. */
  append(target: AppendTarget, records: readonly NewRecord[]): Promise<readonly LogRecord[]> {
    if (records.length === 0) return Promise.resolve([]);
    const bytes = records.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ target, records, bytes, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      // A microtask later: slots whose decisions came in the same turn go together.
      queueMicrotask(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#turn(this.#take());
    this.#running = false;
  }

  /** Resolves when the commit has ended, or has taken so long that others had better not wait. */
  async #turn(batch: readonly Waiting[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, stallMs);
    void this.#commit(batch).finally(resolve);
    await promise;
    clearTimeout(timer);
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    const names = new Set<string>();
    for (const one of this.#waiting) {
      bytes += one.bytes;
      if (count > 0 && bytes > this.#maxBytes) break;
      // The statement gives each partition one place: a writer's second append waits for the next commit.
      names.add(nameOf(one.target));
      if (names.size === count) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) return this.#alone(first);
    try {
      const places = await onConnection(this.#database, (client) => takePlaces(client, this.#topic, batch));
      const stored = batch.filter(({ target }) => places.has(nameOf(target)));
      this.#told(stored);
      for (const one of stored) {
        const place = places.get(nameOf(one.target));
        if (place !== undefined) one.resolve(standing(one.target, one.records, place.first, place.before));
      }
      // Passed over, or fenced: by itself it waits for its row, and hears which.
      await Promise.all(batch.filter((one) => !stored.includes(one)).map((one) => this.#alone(one)));
    } catch (error) {
      // What was certainly not written may be one writer's fault: each by itself.
      if (isMilenaError(error, 'LOG_UNAVAILABLE')) await Promise.all(batch.map((one) => this.#alone(one)));
      else for (const one of batch) one.reject(error);
    }
  }

  async #alone(one: Waiting): Promise<void> {
    try {
      const stored = await append(this.#database, one.target, one.records);
      this.#told([one]);
      one.resolve(stored);
    } catch (error) {
      one.reject(error);
    }
  }

  #told(stored: readonly Waiting[]): void {
    if (!commits.hasSubscribers || stored.length === 0) return;
    const records = stored.reduce((sum, one) => sum + one.records.length, 0);
    commits.publish({ topic: this.#topic, appends: stored.length, records });
  }
}

interface Place {
  readonly first: number;
  /** The partition's last `at` before. */
  readonly before: number;
}

async function takePlaces(
  client: pg.ClientBase,
  topic: TopicName,
  batch: readonly Waiting[],
): Promise<ReadonlyMap<string, Place>> {
  const statement = statements.get(topic);
  if (statement === undefined) throw new MilenaError('INTERNAL', `nobody owns ${topic}`);
  const packed = pack(...batch.map((one) => one.records));
  let count = 0;
  const before = batch.map(({ records }) => {
    count += records.length;
    return count - records.length;
  });
  const { rows } = await run(client, statement, [
    list(batch.map(({ target }) => target.partition)),
    list(batch.map(({ target }) => target.epoch)),
    list(batch.map(({ records }) => records.length)),
    list(batch.map(({ records }, index) => packed.ats[(before[index] ?? 0) + records.length - 1] ?? 0)),
    list(before),
    packed.bytes,
    ...packedLists(packed),
  ]);
  return new Map(
    rows.map(([partition, epoch, first, at]) => [
      `${partition}/${epoch}`,
      { first: Number(first), before: Number(at) },
    ]),
  );
}

/** A partition under a claim: a fenced writer may wait beside the one that fenced it. */
function nameOf({ partition, epoch }: AppendTarget): string {
  return `${partition}/${epoch}`;
}
