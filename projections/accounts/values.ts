import type { Records } from '../../src/log/records.ts';
import { NO_PUSH_RULE_CHANGES } from '../../src/matrix/push-rule-changes.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Statement } from '../framework/model.ts';

type Receipt = Records['receipt_set'] & { readonly log_offset: number };
type AccountData = Records['account_data_set'] & { readonly log_offset: number };
type PushRules = Records['push_rules_set'] & { readonly log_offset: number };

/** The writes for records of `user_values`: the last record of a key says all about it. */
export function valueStatements(
  schema: string,
  partition: number,
  records: readonly OpenedRecord[],
): readonly Statement[] {
  const receipts = new Map<string, Receipt>();
  const data = new Map<string, AccountData>();
  const filters = new Map<string, Records['filter_set']>();
  const told = new Map<string, Records['profile_told']>();
  const rules = new Map<string, PushRules>();
  for (const { key, fact, offset } of records) {
    if (fact?.type === 'receipt_set') receipts.set(key, { ...fact.value, log_offset: offset });
    if (fact?.type === 'account_data_set') data.set(key, { ...fact.value, log_offset: offset });
    if (fact?.type === 'profile_told') told.set(key, fact.value);
    if (fact?.type === 'filter_set') filters.set(key, fact.value);
    if (fact?.type === 'push_rules_set') rules.set(key, { ...fact.value, log_offset: offset });
  }
  return [
    ...(receipts.size > 0 ? [receiptWrite(schema, partition, [...receipts.values()])] : []),
    ...(data.size > 0 ? [dataWrite(schema, [...data.values()])] : []),
    ...(filters.size > 0 ? [filterWrite(schema, [...filters.values()])] : []),
    ...(told.size > 0 ? [toldWrite(schema, [...told.values()])] : []),
    ...(rules.size > 0 ? [rulesWrite(schema, [...rules.values()])] : []),
  ];
}

function toldWrite(schema: string, rows: readonly Records['profile_told'][]): Statement {
  return {
    text: `INSERT INTO ${schema}.profiles_told SELECT * FROM unnest($1::text[], $2::int8[])
      ON CONFLICT (user_id) DO UPDATE SET through = EXCLUDED.through`,
    values: [textColumn(rows.map((row) => row.user_id)), int8Column(rows.map((row) => row.through))],
  };
}

function receiptWrite(schema: string, partition: number, rows: readonly Receipt[]): Statement {
  return {
    text: `INSERT INTO ${schema}.receipts
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[],
        $8::int8[], $9::int8[], $10::int8[], $11::int8[])
      ON CONFLICT (room_id, user_id, receipt_type, thread_id) DO UPDATE SET event_id = EXCLUDED.event_id,
        place = EXCLUDED.place, furthest_event_id = EXCLUDED.furthest_event_id,
        furthest_place = EXCLUDED.furthest_place, ts = EXCLUDED.ts, log_offset = EXCLUDED.log_offset`,
    values: [
      textColumn(rows.map((row) => row.room_id)),
      textColumn(rows.map((row) => row.user_id)),
      textColumn(rows.map((row) => row.receipt_type)),
      textColumn(rows.map((row) => row.thread_id ?? '')),
      textColumn(rows.map((row) => row.event_id)),
      int8Column(rows.map((row) => row.place)),
      textColumn(rows.map((row) => row.furthest_event_id)),
      int8Column(rows.map((row) => row.furthest_place)),
      int8Column(rows.map((row) => row.ts)),
      int8Column(rows.map((row) => row.log_offset)),
      int8Column(rows.map(() => partition)),
    ],
  };
}

function dataWrite(schema: string, rows: readonly AccountData[]): Statement {
  return {
    text: `INSERT INTO ${schema}.account_data
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[])
      ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = EXCLUDED.content,
        log_offset = EXCLUDED.log_offset`,
    values: [
      textColumn(rows.map((row) => row.user_id)),
      textColumn(rows.map((row) => row.room_id ?? '')),
      textColumn(rows.map((row) => row.type)),
      textColumn(rows.map((row) => row.sealed ?? '{}')),
      int8Column(rows.map((row) => row.log_offset)),
    ],
  };
}

function filterWrite(schema: string, rows: readonly Records['filter_set'][]): Statement {
  return {
    text: `INSERT INTO ${schema}.filters SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
      ON CONFLICT (user_id, filter_id) DO UPDATE SET filter = EXCLUDED.filter`,
    values: [
      textColumn(rows.map((row) => row.user_id)),
      textColumn(rows.map((row) => row.filter_id)),
      textColumn(rows.map((row) => row.sealed ?? '{}')),
    ],
  };
}

/** What was erased is as if nothing had been changed. */
function rulesWrite(schema: string, rows: readonly PushRules[]): Statement {
  return {
    text: `INSERT INTO ${schema}.push_rules SELECT * FROM unnest($1::text[], $2::text[], $3::int8[])
      ON CONFLICT (user_id) DO UPDATE SET rules = EXCLUDED.rules, log_offset = EXCLUDED.log_offset`,
    values: [
      textColumn(rows.map((row) => row.user_id)),
      textColumn(rows.map((row) => row.sealed ?? JSON.stringify(NO_PUSH_RULE_CHANGES))),
      int8Column(rows.map((row) => row.log_offset)),
    ],
  };
}
