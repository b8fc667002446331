import type pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';
import type { LogRecord, NewRecord } from '../port.ts';
import { type TopicName, topicNames } from '../topics.ts';
import { type Database, refused, run, type Statement } from './database.ts';
import { list, pack } from './pack.ts';

/** Where an append goes. Epoch 0 on the topics that any node writes. */
export interface AppendTarget {
  readonly topic: TopicName;
  readonly partition: number;
  readonly epoch: number;
}

/**
 * One statement, one round trip, one commit. The partition's row is locked from the update to the commit, so
 * whoever comes next gets its offsets only when these records are visible; and if a claim comes first, the
 * update finds another epoch and nothing is written. Keys, commands and values travel as one binary parameter
 * and are cut apart by the server: as arrays they would be doubled to hex, which costs half as much again
 * on both sides (docs/adr/0004-log-on-postgres.md).
 */
const statements: ReadonlyMap<TopicName, Statement> = new Map(
  topicNames.map((topic, number) => [
    topic,
    {
      name: `log-append-${topic}`,
      text: `
WITH place AS (
  UPDATE log.partitions
  SET next_offset = next_offset + $3::int, prev_at = last_at, last_at = greatest(last_at, $4::bigint)
  WHERE topic = ${number} AND partition = $1 AND epoch = $2
  RETURNING next_offset - $3::int AS first, prev_at
), written AS (
  INSERT INTO log.${topic} ("offset", epoch, at, origin, partition, part, type, key, command, value)
  SELECT first + r.n - 1, $2, greatest(r.at, prev_at), r.origin, $1, r.part, r.type,
    substring($5::bytea FROM r.start FOR r.keys),
    substring($5::bytea FROM r.start + r.keys FOR r.commands),
    CASE WHEN r.bytes >= 0 THEN substring($5::bytea FROM r.start + r.keys + r.commands FOR r.bytes) END
  FROM place, unnest($6::bigint[], $7::bigint[], $8::smallint[], $9::text[], $10::int[], $11::int[], $12::int[],
    $13::int[]) WITH ORDINALITY AS r (at, origin, part, type, start, keys, commands, bytes, n)
)
SELECT first, prev_at FROM place`,
    },
  ]),
);

/**
 * Appends records, all or none.
 * @returns them as they stand on the log.
 * @throws MilenaError FENCED, INDEFINITE, or LOG_UNAVAILABLE when it is certain that nothing was written.
 */
export async function append(
  database: Database,
  target: AppendTarget,
  records: readonly NewRecord[],
): Promise<readonly LogRecord[]> {
  if (records.length === 0) return [];
  return onConnection(database, async (client) => {
    const place = await takePlace(client, target, records);
    if (place === undefined) throw new MilenaError('FENCED');
    return standing(target, records, Number(place[0]), Number(place[1]));
  });
}

/** Runs an append on a connection of its own, and says of its failure what is certain. */
export async function onConnection<T>(
  database: Database,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await database.connect();
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (cause) {
    // A fenced append is an answer; the connection is as good as before.
    client.release(!(cause instanceof MilenaError));
    if (cause instanceof MilenaError) throw cause;
    throw new MilenaError(refused(cause) ? 'LOG_UNAVAILABLE' : 'INDEFINITE', undefined, { cause });
  }
}

/** Runs the statement on a connection, which may be inside a transaction. Undefined: another epoch holds. */
export async function takePlace(
  client: pg.ClientBase,
  { topic, partition, epoch }: AppendTarget,
  records: readonly NewRecord[],
): Promise<readonly unknown[] | undefined> {
  const statement = statements.get(topic);
  if (statement === undefined) throw new MilenaError('INTERNAL', `there is no topic ${topic}`);
  const packed = pack(records);
  const { rows } = await run(client, statement, [
    partition,
    epoch,
    records.length,
    packed.ats.at(-1),
    packed.bytes,
    ...packedLists(packed),
  ]);
  return rows[0];
}

/** What both statements take after the bytes: a value for each record. */
export function packedLists(packed: ReturnType<typeof pack>): readonly unknown[] {
  return [
    list(packed.ats),
    list(packed.origins),
    list(packed.parts),
    packed.types,
    list(packed.starts),
    list(packed.keys),
    list(packed.commands),
    list(packed.values),
  ];
}

/** Records as they stand on the log, once their place is known. */
export function standing(
  { topic, partition, epoch }: AppendTarget,
  records: readonly NewRecord[],
  first: number,
  previousAt: number,
): readonly LogRecord[] {
  let at = previousAt;
  return records.map((record, index) => {
    at = Math.max(at, record.at);
    return { ...record, at, topic, partition, offset: first + index, epoch };
  });
}
