import type pg from 'pg';
import { MilenaError } from '../../src/errors/milena-error.ts';
import { type TopicName, topics } from '../../src/log/topics.ts';
import { type Checkpoint, checkpointOf } from './checkpoint.ts';
import type { Database } from './database.ts';

/** A checkpoint with its place. */
export interface PlacedCheckpoint {
  readonly topic: TopicName;
  readonly partition: number;
  readonly checkpoint: Checkpoint;
}

type Row = Parameters<typeof checkpointOf>[0] & { readonly topic: TopicName; readonly partition: number };

const CHECKPOINTS = `SELECT topic, partition, next_offset, epoch, records, digest, last_at
  FROM projection.checkpoints WHERE schema = $1 ORDER BY topic, partition`;

/** All checkpoints of a schema. */
export async function schemaCheckpoints(
  database: Database,
  schema: string,
): Promise<readonly PlacedCheckpoint[]> {
  return (await database.read<Row>(CHECKPOINTS, [schema])).map(placed);
}

/** All checkpoints of a schema, held still until the transaction ends: its projectors wait. */
export async function lockCheckpoints(
  client: pg.ClientBase,
  schema: string,
): Promise<readonly PlacedCheckpoint[]> {
  return (await client.query<Row>(`${CHECKPOINTS} FOR UPDATE`, [schema])).rows.map(placed);
}

function placed(row: Row): PlacedCheckpoint {
  return { topic: row.topic, partition: row.partition, checkpoint: checkpointOf(row) };
}

/**
 * Why the new schema must not replace the old: another count or digest of records at the same offsets, or more
 * records set aside. Of compacted and expiring topics whoever comes later reads a part, and no key tells what it
 * has missed from what was replaced: there offsets must be equal, and it must not have read more. Undefined when all
 * is well.
 */
export function gateFault(
  before: readonly PlacedCheckpoint[],
  after: readonly PlacedCheckpoint[],
): string | undefined {
  for (const { topic, partition, checkpoint: old } of before) {
    const built = after.find((other) => other.topic === topic && other.partition === partition)?.checkpoint;
    const where = `${topic}/${partition} at ${old.position.offset}`;
    if (built === undefined) continue; // The new version does not read this topic.
    if (built.position.offset !== old.position.offset) return `${where}: built to ${built.position.offset}`;
    if (topics[topic].kept !== 'for good') {
      if (built.records > old.records) return `${where}: ${built.records} records, at most ${old.records}`;
      continue;
    }
    if (built.records !== old.records) return `${where}: ${built.records} records, not ${old.records}`;
    if (built.digest.some((lane, index) => lane !== old.digest[index])) return `${where}: another digest`;
  }
  return undefined;
}

/** Makes `schema` the active one and closes the other; part of a transaction that has locked the checkpoints. */
export async function activate(
  client: pg.ClientBase,
  model: { readonly name: string; readonly version: number },
  schema: string,
  generation: string,
): Promise<void> {
  await client.query(
    `UPDATE projection.checkpoints SET closed = (schema <> $2) WHERE schema = $2
       OR schema = (SELECT active_schema FROM projection.models WHERE name = $1)`,
    [model.name, schema],
  );
  const { rowCount } = await client.query(
    `UPDATE projection.models SET previous_schema = active_schema, previous_version = version,
       active_schema = $2, version = $3, generation = $4, building_schema = NULL WHERE name = $1`,
    [model.name, schema, model.version, generation],
  );
  if (rowCount !== 1) throw new MilenaError('NOT_FOUND', `there is no model ${model.name}`);
}
