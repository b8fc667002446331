import type pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';
import type { LogRecord } from '../port.ts';
import { ownedTopics, topicNames } from '../topics.ts';
import type { Database } from './database.ts';

const ownedNumbers = ownedTopics.map((topic) => topicNames.indexOf(topic));

/**
 * Claims a slot in one transaction: locks the slot's partitions (always in the same order), gives them the
 * offset of the claim in `rooms` as their new epoch, and writes a claim record into each. An append that is
 * waiting for a lock then finds the new epoch and is fenced; one that had the lock stands before the claim.
 * @param value the encoded `claim` record.
 * @param at now; it raises no partition's clock, since a claim is not a record that readers see.
 * @returns the claim records, that of `rooms` first: its offset is the epoch.
 * @throws MilenaError LOG_UNAVAILABLE
 */
export async function claimSlot(
  database: Database,
  slot: number,
  value: Uint8Array,
  at: number,
): Promise<readonly [LogRecord, ...LogRecord[]]> {
  return database.transaction(async (client) => {
    const ends = await lockPartitions(client, slot);
    const epoch = ends.get('rooms');
    if (epoch === undefined) throw new MilenaError('INTERNAL', `the log has no slot ${slot}`);
    const claims: LogRecord[] = [];
    for (const topic of ownedTopics) {
      const offset = ends.get(topic) ?? 0;
      await client.query(
        `INSERT INTO log.${topic} ("offset", epoch, at, origin, partition, part, type, key, command, value)
         VALUES ($1, $2, $3, 0, $4, 0, 'claim', 'claim', '', $5)`,
        [offset, epoch, at, slot, value],
      );
      claims.push({ topic, partition: slot, offset, epoch, at, key: 'claim', type: 'claim', value });
    }
    await client.query(
      `UPDATE log.partitions SET next_offset = next_offset + 1, epoch = $1
       WHERE topic = ANY($2) AND partition = $3`,
      [epoch, ownedNumbers, slot],
    );
    const [first, ...rest] = claims;
    if (first === undefined) throw new MilenaError('INTERNAL', 'there are no owned topics');
    return [first, ...rest];
  });
}

async function lockPartitions(client: pg.PoolClient, slot: number): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ topic: number; next_offset: string }>(
    `SELECT topic, next_offset FROM log.partitions
     WHERE topic = ANY($1) AND partition = $2 ORDER BY topic FOR UPDATE`,
    [ownedNumbers, slot],
  );
  return new Map(rows.map((row) => [topicNames[row.topic] ?? '', Number(row.next_offset)]));
}
