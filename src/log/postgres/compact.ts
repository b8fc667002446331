import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { MilenaError } from '../../errors/milena-error.ts';
import type { TopicName } from '../topics.ts';
import type { Database } from './database.ts';
import { partNumbers } from './pack.ts';

/** How long to wait for snapshots that still see what was deleted. */
const patienceMs = 30_000;

/** How long a vacuum may take. */
const vacuumMs = 30 * 60 * 1000;

/** SQLSTATE: the role may not do this. */
const insufficientPrivilege = '42501';

/**
 * Drops from one partition of a compacted topic what a later record of its key has replaced. A fact in parts
 * replaces with its closing record; chunks that stand before it, since the last whole record, are its own.
 * Where the topic holds keys, their bytes are gone from the disk when this resolves.
 * @throws MilenaError LOG_UNAVAILABLE, also when some transaction still sees the deleted keys after 30 s.
 */
export async function compactPartition(
  database: Database,
  topic: TopicName,
  partition: number,
): Promise<void> {
  const deletedBy = await deleteReplaced(database, topic, partition);
  if (topic === 'content_keys') await rewrite(database, topic, deletedBy);
  else await vacuum(database, `VACUUM log.${topic}`);
}

/** @returns the transaction that deleted. */
async function deleteReplaced(database: Database, topic: TopicName, partition: number): Promise<string> {
  return database.transaction(async (client) => {
    await client.query(
      `DELETE FROM log.${topic} AS record
       USING (
         SELECT is_claim, key, max("offset") FILTER (WHERE newest = 1 AND part = 0) AS before,
           max("offset") FILTER (WHERE newest = 2) AS upto
         FROM (
           SELECT type = 'claim' AS is_claim, key, "offset", part,
             row_number() OVER (PARTITION BY type = 'claim', key ORDER BY "offset" DESC) AS newest
           FROM log.${topic} WHERE partition = $1 AND part <> ${partNumbers.chunk}
         ) AS whole
         WHERE newest <= 2 GROUP BY is_claim, key
       ) AS last
       WHERE record.partition = $1 AND record.key = last.key AND (record.type = 'claim') = last.is_claim
         AND (record."offset" < last.before OR record."offset" <= last.upto)`,
      [partition],
    );
    const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    return rows[0]?.xid ?? '0';
  });
}

/**
 * Writes the table anew without the deleted rows, and has the old file and the log of changes that held them
 * dropped. A transaction that began before the deletion would have them copied, so those are waited for.
 */
async function rewrite(database: Database, topic: TopicName, deletedBy: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (await isStillSeen(database, deletedBy)) {
    if (performance.now() > deadline) {
      throw new MilenaError('LOG_UNAVAILABLE', 'a long transaction keeps erased keys from being dropped');
    }
    await sleep(50);
  }
  await vacuum(database, `VACUUM (FULL) log.${topic}`);
  await dropOldChanges(database);
}

/** Whether a snapshot older than the transaction is in use anywhere in the database. */
async function isStillSeen(database: Database, xid: string): Promise<boolean> {
  const { rows } = await database.query(
    {
      name: 'log-oldest-snapshot',
      text: `SELECT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND datname = current_database()
          AND (age(backend_xmin) >= age($1::xid8::xid) OR age(backend_xid) >= age($1::xid8::xid)))`,
    },
    [xid],
  );
  return rows[0]?.[0] === true;
}

async function vacuum(database: Database, statement: string): Promise<void> {
  // The driver reads this; its types leave it out.
  const query: pg.QueryConfig & { query_timeout: number } = { text: statement, query_timeout: vacuumMs };
  await database.use((client) => client.query(query));
}

/**
 * The write-ahead log before a checkpoint is dropped by it, but for the segment in use: so that is ended
 * first. (It is overwritten later where `wal_recycle` is on.) A role without the right leaves it to the
 * server's own checkpoints.
 */
async function dropOldChanges(database: Database): Promise<void> {
  await database.use(async (client) => {
    try {
      await client.query('SELECT pg_switch_wal()');
      await client.query('CHECKPOINT');
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === insufficientPrivilege)) throw error;
    }
  });
}
