import { readFileSync } from 'node:fs';
import type { ReadModel } from '../framework/model.ts';
import { TimelineProjector } from './projector.ts';

/** The events of every room, in the room's order. */
export const timelineModel: ReadModel = {
  name: 'timeline',
  version: 5,
  topics: ['rooms'],
  schemaSql: readFileSync(new URL('schema.sql', import.meta.url), 'utf8'),
  indexSql: readFileSync(new URL('indexes.sql', import.meta.url), 'utf8'),
  projector: (context) => new TimelineProjector(context),
};
