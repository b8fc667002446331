import { Compile } from 'typebox/compile';
import { MilenaError } from '../../errors/milena-error.ts';
import { parseJson } from '../../matrix/strict-json.ts';
import type { EventFilter } from '../reads/timeline-reads.ts';
import { type RoomEventFilter, roomEventFilterSchema } from './filter-schema.ts';

const compiled = Compile(roomEventFilterSchema);

/** Reads the `filter` of a query string. @throws MilenaError INVALID_PARAM */
export function readRoomEventFilter(text: string | undefined): RoomEventFilter {
  if (text === undefined || text === '') return {};
  let value: unknown;
  try {
    value = parseJson(text, 'any');
  } catch (cause) {
    throw new MilenaError('INVALID_PARAM', 'filter: is not JSON', { cause });
  }
  if (compiled.Check(value)) return value;
  throw new MilenaError('INVALID_PARAM', 'filter: is not a RoomEventFilter');
}

/** The part of a filter that says which events are wanted. */
export function eventFilterOf(filter: RoomEventFilter): EventFilter {
  const { types, not_types, senders, not_senders, contains_url } = filter;
  return {
    ...(types === undefined ? {} : { types }),
    ...(not_types === undefined ? {} : { not_types }),
    ...(senders === undefined ? {} : { senders }),
    ...(not_senders === undefined ? {} : { not_senders }),
    ...(contains_url === undefined ? {} : { contains_url }),
  };
}
