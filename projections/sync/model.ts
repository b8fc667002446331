import { readFileSync } from 'node:fs';
import type { ReadModel } from '../framework/model.ts';
import { SyncProjector } from './projector.ts';

/** Who was in which room when: what a sync needs and no other model has. */
export const syncModel: ReadModel = {
  name: 'sync',
  version: 2,
  topics: ['rooms'],
  schemaSql: readFileSync(new URL('schema.sql', import.meta.url), 'utf8'),
  projector: (context) => new SyncProjector(context),
};
