import { test } from 'node:test';
import { LONG, type RunSize, runHistory, SHORT } from './random-run.fixture.ts';

/** Histories tried here; `test/property/sync-histories.ts` tries as many as one likes. */
const LONG_HISTORIES = 12;
const SHORT_HISTORIES = 150;

const PROMISE = 'no client misses anything, sees it twice, or is told a wrong count';

test(`whatever happens in a long time, ${PROMISE}`, () => tryAll(LONG_HISTORIES, LONG));

test(`whatever happens in a short time, ${PROMISE}`, () => tryAll(SHORT_HISTORIES, SHORT));

async function tryAll(count: number, size: RunSize): Promise<void> {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      await runHistory(seed, size);
    } catch (error) {
      throw new Error(`history ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}
