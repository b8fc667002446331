import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenedRecord } from '../../projections/framework/model.ts';
import type { FeedCursor } from '../../projections/framework/partition-feed.ts';

/** Milliseconds before what failed is tried again, doubled up to the last. */
const RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;
/** Records looked at in one go. */
const BATCH = 1_000;

/**
 * Does a manager's work on one partition until the signal aborts, and begins it anew after each failure.
 * @param work calls what it is given whenever something was done: the next failure is tried again soon.
 */
export async function persistently(
  signal: AbortSignal,
  report: (error: unknown) => void,
  work: (done: () => void) => Promise<void>,
): Promise<void> {
  let pause = RETRY_MS;
  while (!signal.aborted) {
    try {
      await work(() => {
        pause = RETRY_MS;
      });
    } catch (error) {
      if (signal.aborted) return;
      report(error);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(2 * pause, LAST_RETRY_MS);
    }
  }
}

/** What is still to be done, of what the log has told. */
export interface Pending<T> {
  /** The next, which is taken out. */
  next(): T | undefined;
  /** Takes in what a record tells. */
  take(record: OpenedRecord | undefined): void;
}

/**
 * Does what is pending, and then what comes along the tail, until the signal aborts. One failure holds up nothing
 * else; it is thrown when all else was done, for the model still shows what it was about as open.
 */
export async function workOff<T>(
  cursor: FeedCursor,
  pending: Pending<T>,
  signal: AbortSignal,
  work: (one: T) => Promise<void>,
): Promise<void> {
  try {
    for (;;) {
      const failure = await doAll(pending, signal, work);
      if (failure !== undefined) throw failure;
      if (!(await cursor.ready(signal))) return;
      for (const { opened } of takeBatch(cursor)) pending.take(opened);
    }
  } finally {
    await cursor.close();
  }
}

/** The records at a cursor that is ready, as many as are looked at in one go. */
export function takeBatch(cursor: FeedCursor): ReturnType<FeedCursor['take']>['records'] {
  return cursor.take(BATCH).records;
}

async function doAll<T>(
  pending: Pending<T>,
  signal: AbortSignal,
  work: (one: T) => Promise<void>,
): Promise<unknown> {
  let failure: unknown;
  for (let one = pending.next(); one !== undefined; one = pending.next()) {
    if (signal.aborted) return undefined;
    try {
      await work(one);
    } catch (error) {
      failure = error;
    }
  }
  return failure;
}
