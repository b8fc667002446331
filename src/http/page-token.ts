import { MilenaError } from '../errors/milena-error.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import type { ClientContext } from './context.ts';

/**
 * Tokens of pages in a room: `t` and a place, a position between events. Backwards from it come the events at
 * places below, forwards those at or above. They outlive rebuilds, as places do.
 */
const PLACE_TOKEN = /^t(-?\d{1,15})$/;

/** The token of a position. */
export function placeToken(place: number): string {
  return `t${place}`;
}

/**
 * The position that a token stands for: one of ours, or the `next_batch` of a sync.
 * @throws MilenaError INVALID_PARAM
 */
export async function placeOfToken(
  { placeOfSyncToken }: Pick<ClientContext, 'placeOfSyncToken'>,
  roomId: RoomId,
  token: string,
): Promise<number> {
  const own = PLACE_TOKEN.exec(token)?.[1];
  const place = own === undefined ? await placeOfSyncToken?.(token, roomId) : Number(own);
  if (place === undefined) throw new MilenaError('INVALID_PARAM', 'The token is none of this server’s.');
  return place;
}
