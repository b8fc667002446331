import { readdirSync } from 'node:fs';
import type pg from 'pg';
import { topicNames } from '../../src/log/topics.ts';
import { ways } from './record-ways.ts';

/** The record types that there are: a file each in `schemas/`. */
export function recordTypes(): readonly string[] {
  return readdirSync(new URL('../../schemas/', import.meta.url))
    .filter((name) => name.endsWith('.avsc'))
    .map((name) => name.slice(0, -'.avsc'.length));
}

/** How many records of each type stand on a log in Postgres, claims included. */
export async function census(client: pg.Client): Promise<ReadonlyMap<string, number>> {
  const all = topicNames.map((topic) => `SELECT type FROM log.${topic}`).join(' UNION ALL ');
  const found = await client.query<{ type: string; records: string }>(
    `SELECT type, count(*) AS records FROM (${all}) AS every GROUP BY type`,
  );
  return new Map(found.rows.map(({ type, records }) => [type, Number(records)]));
}

/** A sentence for every record type that does not occur, and for every way that leads to none. */
export function missingTypes(counted: ReadonlyMap<string, number>): readonly string[] {
  const types = recordTypes();
  const caused = ways.flatMap(({ causes }) => causes);
  return [
    ...types
      .filter((type) => (counted.get(type) ?? 0) === 0)
      .map((type) =>
        caused.includes(type)
          ? `no ${type} record is on the log, though its way was gone`
          : `no ${type} record is on the log: record-ways.ts needs a real way to cause it`,
      ),
    ...caused.filter((type) => !types.includes(type)).map((type) => `schemas/ has no ${type}.avsc`),
  ];
}
