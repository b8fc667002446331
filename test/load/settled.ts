import { setTimeout as sleep } from 'node:timers/promises';
import { readMetrics } from './metrics.ts';
import type { Target } from './target.ts';

/** Records that projectors have applied; see `src/telemetry/measures.ts`. */
const APPLIED = 'milena_projector_records_total';
/** A projector that has anything to do does something within this, milliseconds. */
const QUIET_MS = 700;

/** Waits until the read models have all that is on the log: until they do nothing more. */
export async function settled(target: Target): Promise<void> {
  for (let before = -1; ; ) {
    let applied = 0;
    for (const [name, value] of await readMetrics(target.metrics))
      if (name.startsWith(APPLIED)) applied += value;
    if (applied === before) return;
    before = applied;
    await sleep(QUIET_MS);
  }
}

/** Postgres looks at what has become of its tables every so often (`autovacuum_naptime`, 20 s where it is embedded). */
const ANALYSED_MS = 25_000;

/** As `settled`, and waits until Postgres has counted what is new: until then it plans as if the tables were empty. */
export async function analysed(target: Target): Promise<void> {
  await settled(target);
  await sleep(ANALYSED_MS);
}
