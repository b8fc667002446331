import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { EventLog, NewRecord, Offset } from '../../src/log/port.ts';
import { takePlace } from '../../src/log/postgres/append.ts';
import type { PostgresLogOptions } from '../../src/log/postgres/postgres-log.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import type { Harness, LogUnderTest, ProxiedLog, StalledAppend } from './harness.ts';
import { openLog } from './postgres-recipe.ts';

const slots = 4;
const leases = { heartbeatMs: 200, ttlMs: 1_500 };

/** A harness on a Postgres of its own. */
export async function postgresHarness(): Promise<Harness> {
  const server = await startPostgres();
  let made = 0;
  return {
    slots,
    asleepMs: 500,
    takeoverMs: leases.ttlMs + 1_500,
    tailMs: 20,
    async fresh() {
      const name = `log_${++made}`;
      const url = await server.createDatabase(name);
      const log = logUnderTest(server, { connection: url, slots, leases });
      return {
        ...log,
        async [Symbol.asyncDispose]() {
          await log[Symbol.asyncDispose]();
          await server.dropDatabase(name);
        },
      };
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** A log in a database of its own. */
export function logUnderTest(server: TestPostgres, settings: PostgresLogOptions): LogUnderTest {
  const stack = new AsyncDisposableStack();
  const open = async (more: Partial<PostgresLogOptions> = {}): Promise<EventLog> => {
    const log = await openLog({ ...settings, ...more });
    stack.defer(() => log.close());
    return log;
  };
  return {
    open: (options) => open(options),
    recipe: { module: new URL('./postgres-recipe.ts', import.meta.url).href, settings },
    async proxied(): Promise<ProxiedLog> {
      const proxy = stack.use(await startCuttingProxy({ port: server.port }));
      const url = Object.assign(new URL(String(settings.connection)), { port: String(proxy.port) });
      return { ...proxy, log: await open({ connection: url.href }) };
    },
    async stall(topic, partition, records) {
      const client = new pg.Client({ connectionString: String(settings.connection) });
      await client.connect();
      return stalled(client, topic, partition, records);
    },
    async storedFiles() {
      const client = new pg.Client({ connectionString: String(settings.connection) });
      await client.connect();
      // Twice, because a file whose table was written anew is only emptied before the first.
      for (let round = 0; round < 2; round++) await client.query('SELECT pg_switch_wal(); CHECKPOINT');
      await client.end();
      return readdirSync(server.dataDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function stalled(
  client: pg.Client,
  topic: TopicName,
  partition: number,
  records: readonly NewRecord[],
): Promise<StalledAppend> {
  await client.query('BEGIN');
  const place = await takePlace(client, { topic, partition, epoch: 0 }, records);
  const first = Number(place?.[0]);
  return {
    async commit(): Promise<readonly Offset[]> {
      await client.query('COMMIT');
      await client.end();
      return records.map((_, index) => first + index);
    },
  };
}
