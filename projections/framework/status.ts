import type { EventLog } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';
import type { checkpointOf } from './checkpoint.ts';
import type { Database } from './database.ts';
import type { ReadModel } from './model.ts';
import { schemaCheckpoints } from './rebuild-switch.ts';
import { isUsable, registeredModels } from './registry.ts';

/** How far one model is in one partition. */
export interface PartitionStatus {
  readonly topic: TopicName;
  readonly partition: number;
  /** The first offset not applied, and the end of the log. */
  readonly next: number;
  readonly end: number;
  /** Offsets between the two: at most so many records are missing. */
  readonly lagRecords: number;
  /** Since when the first missing record is there. */
  readonly lagSeconds: number;
  /** Records applied or set aside. */
  readonly records: number;
}

/** A record that a model could not apply. */
export interface PoisonStatus {
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly reason: string;
  /** Later records of the key that wait behind it. */
  readonly waiting: number;
}

/** What `milena status` says of a model. */
export interface ModelStatus {
  readonly name: string;
  /** The version of the code that made the active schema, and that of this process. */
  readonly version: number;
  readonly codeVersion: number;
  readonly schema: string;
  readonly building: string | null;
  /** Records in the schema that is being built; 0 while none is. */
  readonly built: number;
  readonly paused: boolean;
  /** The code of this process is of another version: the model has to be rebuilt. */
  readonly outdated: boolean;
  /** The code of this process can serve the active schema. */
  readonly usable: boolean;
  readonly partitions: readonly PartitionStatus[];
  readonly poison: readonly PoisonStatus[];
}

/** The state of all models, from Postgres and the log: right in any process, whether projectors run or not. */
export async function modelStatus(
  database: Database,
  log: EventLog,
  models: readonly ReadModel[],
): Promise<readonly ModelStatus[]> {
  const registered = await registeredModels(database);
  const found: ModelStatus[] = [];
  for (const model of models) {
    const row = registered.get(model.name);
    if (row === undefined) continue;
    found.push({
      name: model.name,
      version: row.version,
      codeVersion: model.version,
      schema: row.active_schema,
      building: row.building_schema,
      paused: row.paused,
      built: row.building_schema === null ? 0 : await recordsOf(database, row.building_schema),
      outdated: row.version !== model.version || row.generation !== log.generation,
      usable: isUsable(model, row, log.generation),
      partitions: await partitionsOf(database, log, row.active_schema),
      poison: await poisonOf(database, row.active_schema),
    });
  }
  return found;
}

async function recordsOf(database: Database, schema: string): Promise<number> {
  const checkpoints = await schemaCheckpoints(database, schema);
  return checkpoints.reduce((sum, { checkpoint }) => sum + checkpoint.records, 0);
}

async function partitionsOf(
  database: Database,
  log: EventLog,
  schema: string,
): Promise<readonly PartitionStatus[]> {
  const ends = new Map<TopicName, readonly number[]>();
  const found: PartitionStatus[] = [];
  for (const { topic, partition, checkpoint } of await schemaCheckpoints(database, schema)) {
    const known = ends.get(topic) ?? (await log.ends(topic));
    ends.set(topic, known);
    const end = known[partition] ?? 0;
    const next = checkpoint.position.offset;
    const first = next < end ? await firstMissing(log, topic, partition, checkpoint) : undefined;
    found.push({
      topic,
      partition,
      next,
      end,
      // Offsets that hold nothing to read (a claim at the end) are no lag.
      lagRecords: first === undefined ? 0 : end - next,
      lagSeconds: first === undefined ? 0 : Math.max(0, (Date.now() - first) / 1_000),
      records: checkpoint.records,
    });
  }
  return found;
}

async function firstMissing(
  log: EventLog,
  topic: TopicName,
  partition: number,
  { position }: ReturnType<typeof checkpointOf>,
): Promise<number | undefined> {
  const to = await log.end(topic, partition);
  for await (const batch of log.read(topic, partition, { from: position, to, batchSize: 1 })) {
    const [record] = batch.records;
    if (record !== undefined) return record.at;
  }
  return undefined;
}

const POISON = `SELECT DISTINCT ON (topic, partition, key) topic, partition, record_offset AS "offset", key,
    coalesce(reason, 'It waits to be tried again.') AS reason,
    count(*) OVER (PARTITION BY topic, partition, key) - 1 AS waiting
  FROM projection.poison WHERE schema = $1 ORDER BY topic, partition, key, record_offset LIMIT 100`;

async function poisonOf(database: Database, schema: string): Promise<readonly PoisonStatus[]> {
  return database.read<PoisonStatus>(POISON, [schema]);
}
