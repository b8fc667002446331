import { MAIN_THREAD } from '../../src/matrix/relations.ts';

type Schema = (model: string) => string;

/** The furthest receipt of user `$1` in room `a.room_id` that is of the thread. Empty: unthreaded ones. */
export const receiptPlace = (
  m: Schema,
  thread: string,
): string => `(SELECT max(furthest_place) FROM ${m('accounts')}.receipts
  WHERE user_id = $1 AND room_id = a.room_id AND receipt_type <> 'm.fully_read' AND thread_id = ${thread})`;

/**
 * How far user `$1` has read a thread (null: the main timeline) of a room: by receipts of it, by its events that the
 * user sent, and `base` by receipts for all threads.
 * @param room the SQL of the room's number.
 */
export const readPlace = (m: Schema, room: string, base: string, thread: string): string => `greatest(${base},
  (SELECT place FROM ${m('timeline')}.senders
    WHERE room = ${room} AND sender = $1 AND thread = coalesce(${thread}, '')),
  ${receiptPlace(m, `coalesce(${thread}, '${MAIN_THREAD}')`)})`;

/** Where user `$1` came into room `a.room_id`: of what was before, nothing is unread in any thread. */
export const joinPlace = (m: Schema): string => `(SELECT max(place) FROM ${m('sync')}.memberships
  WHERE user_id = $1 AND room_id = a.room_id AND membership = 'join')`;
