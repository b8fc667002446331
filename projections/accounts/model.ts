import { readFileSync } from 'node:fs';
import type { Projector, ProjectorContext, ReadModel } from '../framework/model.ts';
import { userStatements } from './users.ts';
import { valueStatements } from './values.ts';

/** Accounts, devices, profiles; account data, filters, push rules, receipts. */
export const accountsModel: ReadModel = {
  name: 'accounts',
  version: 6,
  topics: ['users', 'user_values'],
  schemaSql: readFileSync(new URL('schema.sql', import.meta.url), 'utf8'),
  projector,
};

/** Keeps nothing and reads nothing: what records of a batch come to is worked out among themselves. */
function projector({ schema, topic, partition }: ProjectorContext): Projector {
  return {
    apply: (records) =>
      topic === 'users'
        ? userStatements(schema, partition, records)
        : valueStatements(schema, partition, records),
    forget: () => undefined,
  };
}
