import type { Database } from './database.ts';
import { isOutage } from './database-errors.ts';
import { type OpenedRecord, PoisonError, type Projector } from './model.ts';
import { reasonOf } from './poison.ts';

/** The record that cannot be applied, and why. */
export interface Culprit {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Finds the record for which a batch failed with `error`: the one that the projector names, or else the last of
 * the shortest beginning of the batch that fails, by halves (11 trials for 2,000 records).
 * @throws what `isOutage` knows; and `error` itself when the batch does not fail again.
 */
export async function findCulprit(
  database: Database,
  projector: Projector,
  records: readonly OpenedRecord[],
  error: unknown,
): Promise<Culprit> {
  if (error instanceof PoisonError && records.some(({ offset }) => offset === error.offset)) {
    return { offset: error.offset, reason: reasonOf(error) };
  }
  let works = 0;
  let fails = records.length;
  let last = await tryFirst(database, projector, records);
  if (last === undefined) throw error;
  while (fails - works > 1) {
    const middle = (works + fails) >> 1;
    const failure = await tryFirst(database, projector, records.slice(0, middle));
    if (failure === undefined) works = middle;
    else {
      fails = middle;
      last = failure;
    }
  }
  const record = records[fails - 1];
  if (record === undefined) throw error;
  return { offset: record.offset, reason: reasonOf(last.error) };
}

/** Applies records and undoes it. Undefined when it works. */
async function tryFirst(
  database: Database,
  projector: Projector,
  records: readonly OpenedRecord[],
): Promise<{ readonly error: unknown } | undefined> {
  projector.forget();
  try {
    await database.tryOut(await projector.apply(records));
    return undefined;
  } catch (error) {
    if (isOutage(error)) throw error;
    return { error };
  } finally {
    projector.forget();
  }
}
