import { readFileSync } from 'node:fs';
import type { ReadModel } from '../framework/model.ts';
import { directoryProjector } from './projector.ts';

/** Aliases, the public room list, registration tokens, and the log's schemas. */
export const directoryModel: ReadModel = {
  name: 'directory',
  version: 2,
  topics: ['server'],
  schemaSql: readFileSync(new URL('schema.sql', import.meta.url), 'utf8'),
  projector: directoryProjector,
};
