import type { ReadPosition } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { addDigest, type Digest, digestFromBytes, digestToBytes } from './digest.ts';
import type { Statement } from './model.ts';
import type { SourceBatch } from './record-source.ts';

/** How far a schema has got in a partition, and what it has read. */
export interface Checkpoint {
  readonly position: ReadPosition;
  /** Records read, those set aside included. */
  readonly records: number;
  readonly digest: Digest;
  /** The time of the last of them, milliseconds since the epoch; 0 before the first. */
  readonly lastAt: number;
}

interface CheckpointRow {
  readonly next_offset: number;
  readonly epoch: number;
  readonly records: number;
  readonly digest: Buffer;
  readonly last_at: number;
}

/** A checkpoint from its row. */
export function checkpointOf(row: CheckpointRow): Checkpoint {
  return {
    position: { offset: row.next_offset, epoch: row.epoch },
    records: row.records,
    digest: digestFromBytes(row.digest),
    lastAt: row.last_at,
  };
}

/** The checkpoint after a batch was read. */
export function advanced(checkpoint: Checkpoint, batch: SourceBatch): Checkpoint {
  const digest = checkpoint.digest.slice();
  for (const record of batch.records) addDigest(digest, record.digest);
  return {
    position: batch.next,
    records: checkpoint.records + batch.records.length,
    digest,
    lastAt: batch.records.at(-1)?.at ?? checkpoint.lastAt,
  };
}

const MOVE = `UPDATE projection.checkpoints SET
  next_offset = CASE WHEN next_offset = $4 AND NOT closed THEN $5 ELSE projection.stale() END,
  epoch = $6, records = $7, digest = $8, last_at = $9
  WHERE schema = $1 AND topic = $2 AND partition = $3`;

/**
 * The statement that moves a checkpoint. It fails its transaction when the checkpoint is not at `from`, so two
 * projectors that both think they hold a partition cannot both commit; the lease only saves them the work.
 */
export function moveCheckpoint(
  schema: string,
  topic: TopicName,
  partition: number,
  from: Checkpoint,
  to: Checkpoint,
): Statement {
  return {
    text: MOVE,
    values: [
      schema,
      topic,
      partition,
      from.position.offset,
      to.position.offset,
      to.position.epoch,
      to.records,
      digestToBytes(to.digest),
      to.lastAt,
    ],
  };
}
