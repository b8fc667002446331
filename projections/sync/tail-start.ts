import type { EventLog, ReadPosition } from '../../src/log/port.ts';
import type { Database } from '../framework/database.ts';
import type { SyncTopic } from './token.ts';

/** Offsets of `ephemeral` read again at a start: so much typing is known, and stopped, from before it. */
const EPHEMERAL_BACK = 2_000;

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: number;
  readonly epoch: number;
}

const CHECKPOINTS = `SELECT c.topic, c.partition, c.next_offset, c.epoch
  FROM projection.checkpoints c JOIN projection.models m ON m.active_schema = c.schema
  WHERE c.topic IN ('rooms', 'user_values')`;

/** Where a process begins to follow the log for its syncs: where the read models stand, the last of them. */
export async function tailStart(
  database: Pick<Database, 'query'>,
  log: Pick<EventLog, 'slots' | 'ends'>,
): Promise<{ readonly [T in SyncTopic]: readonly ReadPosition[] }> {
  const [rows, ends] = await Promise.all([database.query<Row>(CHECKPOINTS), log.ends('ephemeral')]);
  const ofModels = (topic: SyncTopic): readonly ReadPosition[] =>
    Array.from({ length: log.slots }, (_, partition) => {
      const found = rows.filter((row) => row.topic === topic && row.partition === partition);
      const [first] = found.toSorted((one, other) => one.next_offset - other.next_offset);
      return { offset: first?.next_offset ?? 0, epoch: first?.epoch ?? 0 };
    });
  const ephemeral = ends.map((end) => ({ offset: Math.max(0, end - EPHEMERAL_BACK), epoch: 0 }));
  return { rooms: ofModels('rooms'), user_values: ofModels('user_values'), ephemeral };
}
