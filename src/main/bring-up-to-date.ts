import { setTimeout as sleep } from 'node:timers/promises';
import type { Projections } from '../../projections/framework/projections.ts';

const FIRST_RETRY_MS = 1_000;
/** A build that the gate holds back costs as much as one that succeeds. */
const LAST_RETRY_MS = 5 * 60_000;

/** What builds, in the background, the models that another version of the software has made. */
export interface Builder extends AsyncDisposable {
  /** Resolves when every model is of this version, by whoever built it. Never rejects. */
  readonly done: Promise<void>;
}

/**
 * Brings the read models to this version beside whoever serves meanwhile, and tries again until it is done: another
 * process may be at it already, or Postgres out of reach for a while.
 * @param report told of every try that failed.
 */
export function bringUpToDate(
  projections: Pick<Projections, 'outdated' | 'bringUpToDate'>,
  report: (error: unknown) => void,
): Builder {
  const stop = new AbortController();
  const { signal } = stop;
  const run = async (): Promise<void> => {
    for (let pause = FIRST_RETRY_MS; projections.outdated().length > 0; pause = 2 * pause) {
      try {
        await projections.bringUpToDate({ signal });
      } catch (error) {
        if (signal.aborted) return;
        report(error);
        await sleep(Math.min(pause, LAST_RETRY_MS), undefined, { signal }).catch(() => undefined);
      }
      if (signal.aborted) return;
    }
  };
  const done = run();
  return {
    done,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
