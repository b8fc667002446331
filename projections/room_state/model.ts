import { readFileSync } from 'node:fs';
import type { ReadModel } from '../framework/model.ts';
import { RoomStateProjector } from './projector.ts';

/** Rooms, the history of their current state, and who is in them. */
export const roomStateModel: ReadModel = {
  name: 'room_state',
  version: 2,
  topics: ['rooms'],
  schemaSql: readFileSync(new URL('schema.sql', import.meta.url), 'utf8'),
  projector: (context) => new RoomStateProjector(context),
};
