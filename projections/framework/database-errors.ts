import { isMilenaError } from '../../src/errors/milena-error.ts';

/** What an error of Postgres says about trying again. */

/** Classes of SQLSTATE that the data of a record can cause: the same record will always fail the same way. */
const DATA_CLASSES: ReadonlySet<string> = new Set(['21', '22', '23', '54']);

/** The SQLSTATE of an error of Postgres, undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** The connection is gone, or could not be made: whether a write happened is not known. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Gives errors without an SQLSTATE, which are those of the connection, their own class; ours stay what they are. */
export function asDatabaseError(error: unknown): unknown {
  if (sqlState(error) !== undefined || error instanceof ConnectionLost || isMilenaError(error)) return error;
  return new ConnectionLost('the database cannot be reached', { cause: error });
}

/** The checkpoint was moved by another projector. */
export function isStale(error: unknown): boolean {
  return sqlState(error) === 'ML001';
}

/** A trial ended without an error of its own. */
export function isUndone(error: unknown): boolean {
  return sqlState(error) === 'ML002';
}

/** Not the record's fault: the database is down, full, too busy, or not as the projector expects it. */
export function isOutage(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return error instanceof ConnectionLost;
  return !DATA_CLASSES.has(state.slice(0, 2));
}
