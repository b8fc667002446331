import { isMilenaError } from '../../src/errors/milena-error.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { int8Column, textColumn } from './columns.ts';
import type { Database } from './database.ts';
import { sqlState } from './database-errors.ts';
import { PoisonError, type Statement } from './model.ts';
import type { SourceRecord } from './record-source.ts';

/** A record that is set aside: the poison itself with its reason, or one of its key that waits behind it. */
export interface AsideRecord {
  readonly record: SourceRecord;
  readonly reason: string | null;
}

/** A row of `projection.poison`. */
export interface PoisonRow {
  readonly record_offset: number;
  readonly record_epoch: number;
  readonly key: string;
  readonly reason: string | null;
}

const SET_ASIDE = `INSERT INTO projection.poison
    (schema, topic, partition, record_offset, record_epoch, key, reason)
  SELECT $1, $2, $3, * FROM unnest($4::int8[], $5::int8[], $6::text[], $7::text[])
  ON CONFLICT (schema, topic, partition, record_offset) DO UPDATE SET reason = EXCLUDED.reason`;

/** Sets records aside, or changes the reason of those that already are. */
export function setAside(
  schema: string,
  topic: TopicName,
  partition: number,
  aside: readonly AsideRecord[],
): readonly Statement[] {
  if (aside.length === 0) return [];
  const values = [
    schema,
    topic,
    partition,
    int8Column(aside.map(({ record }) => record.offset)),
    int8Column(aside.map(({ record }) => record.epoch)),
    textColumn(aside.map(({ record }) => record.key)),
    textColumn(aside.map(({ reason }) => reason)),
  ];
  return [{ text: SET_ASIDE, values }];
}

const TAKE_BACK = `DELETE FROM projection.poison
  WHERE schema = $1 AND topic = $2 AND partition = $3 AND record_offset = ANY ($4::int8[])`;

/** Removes records from those set aside: they are applied in the same transaction. */
export function takeBack(
  schema: string,
  topic: TopicName,
  partition: number,
  offsets: readonly number[],
): Statement {
  return { text: TAKE_BACK, values: [schema, topic, partition, int8Column(offsets)] };
}

const KEYS = `SELECT DISTINCT key FROM projection.poison WHERE schema = $1 AND topic = $2 AND partition = $3`;

/** Keys with records set aside: their later records have to wait too. */
export async function poisonedKeys(
  database: Database,
  schema: string,
  topic: TopicName,
  partition: number,
): Promise<ReadonlySet<string>> {
  const rows = await database.read<{ key: string }>(KEYS, [schema, topic, partition]);
  return new Set(rows.map((row) => row.key));
}

const WAITING = `SELECT record_offset, record_epoch, key, reason FROM projection.poison
  WHERE schema = $1 AND topic = $2 AND partition = $3 AND record_offset > $4
  ORDER BY record_offset LIMIT 2000`;

/** The next records set aside behind an offset, in log order. */
export async function waitingAfter(
  database: Database,
  schema: string,
  topic: TopicName,
  partition: number,
  offset: number,
): Promise<readonly PoisonRow[]> {
  return database.read<PoisonRow>(WAITING, [schema, topic, partition, offset]);
}

/**
 * Why a record could not be applied, in a sentence that `milena status` shows: never content. Messages of
 * JavaScript and Postgres quote what they stumbled over, so of those only kind and place are kept.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof PoisonError || isMilenaError(error)) return error.message;
  const state = sqlState(error);
  if (state !== undefined) return `Postgres refuses its rows (SQLSTATE ${state}).`;
  if (!(error instanceof Error)) return 'The projector failed.';
  const place = /\/((?:projections|src)\/[^)\s]+)/.exec(error.stack ?? '')?.[1];
  return `The projector failed: ${error.name}${place === undefined ? '' : ` at ${place}`}.`;
}
