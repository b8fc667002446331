import type { EventLog } from '../../src/log/port.ts';
import { createPostgresLog, type PostgresLogOptions } from '../../src/log/postgres/postgres-log.ts';

/** Opens a log in Postgres from settings that have been through JSON. */
export function openLog(settings: unknown): Promise<EventLog> {
  // Written by `postgres-harness.ts` of the same version.
  return createPostgresLog(settings as PostgresLogOptions);
}
