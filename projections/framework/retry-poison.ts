import { findCulprit } from './culprit.ts';
import { isOutage, isStale } from './database-errors.ts';
import type { OpenedRecord } from './model.ts';
import type { PartitionProjection } from './partition-projection.ts';
import { type PoisonRow, setAside, takeBack, waitingAfter } from './poison.ts';
import { type RecordSource, readAllUpTo, type SourceRecord } from './record-source.ts';

/**
 * Applies what was set aside of a partition, in log order. A key whose record fails again keeps that record and
 * all later ones set aside; the others catch up. @returns how many records were applied.
 */
export async function retryPoison(projection: PartitionProjection, source: RecordSource): Promise<number> {
  const { database, schema, topic, partition } = projection.target;
  const stuck = new Set<string>();
  let applied = 0;
  let behind = -1;
  for (;;) {
    const rows = await waitingAfter(database, schema, topic, partition, behind);
    const last = rows.at(-1);
    if (last === undefined) return applied;
    behind = last.record_offset;
    const records = await readAgain(projection, source, rows);
    applied += await applyAll(projection, rows, records, stuck);
  }
}

/** Reads the records of some rows from the log; those that compaction has removed are not in the answer. */
async function readAgain(
  { target }: PartitionProjection,
  source: RecordSource,
  rows: readonly PoisonRow[],
): Promise<ReadonlyMap<number, SourceRecord>> {
  const first = rows[0];
  const last = rows.at(-1);
  const wanted = new Set(rows.map((row) => row.record_offset));
  const records = new Map<number, SourceRecord>();
  if (first === undefined || last === undefined) return records;
  const from = { offset: first.record_offset, epoch: first.record_epoch };
  const options = { from, to: last.record_offset + 1 };
  for await (const batch of readAllUpTo(source, target.topic, target.partition, options)) {
    for (const record of batch.records) if (wanted.has(record.offset)) records.set(record.offset, record);
  }
  return records;
}

async function applyAll(
  projection: PartitionProjection,
  rows: readonly PoisonRow[],
  records: ReadonlyMap<number, SourceRecord>,
  stuck: Set<string>,
): Promise<number> {
  for (;;) {
    const live: OpenedRecord[] = [];
    const done: number[] = [];
    for (const { record_offset: offset, key } of rows) {
      const record = records.get(offset);
      if (stuck.has(key)) continue;
      if (record !== undefined && record.opened === undefined) {
        await remember(projection, record, record.unreadable ?? 'The record cannot be read.', stuck);
        continue;
      }
      if (record?.opened !== undefined) live.push(record.opened);
      done.push(offset);
    }
    if (done.length === 0) return 0;
    const failure = await tryCommit(projection, live, done);
    if (failure === undefined) return live.length;
    const { target, projector } = projection;
    const culprit = await findCulprit(target.database, projector, live, failure.error);
    const record = records.get(culprit.offset);
    if (record === undefined) throw failure.error;
    await remember(projection, record, culprit.reason, stuck);
  }
}

async function tryCommit(
  projection: PartitionProjection,
  live: readonly OpenedRecord[],
  done: readonly number[],
): Promise<{ readonly error: unknown } | undefined> {
  const { schema, topic, partition } = projection.target;
  try {
    const statements = live.length === 0 ? [] : await projection.projector.apply(live);
    await projection.commitAside([...statements, takeBack(schema, topic, partition, done)]);
    return undefined;
  } catch (error) {
    projection.projector.forget();
    if (isOutage(error) || isStale(error)) throw error;
    return { error };
  }
}

/** The key stays set aside from this record on. */
async function remember(
  projection: PartitionProjection,
  record: SourceRecord,
  reason: string,
  stuck: Set<string>,
): Promise<void> {
  const { schema, topic, partition } = projection.target;
  stuck.add(record.key);
  await projection.commitAside(setAside(schema, topic, partition, [{ record, reason }]));
}
