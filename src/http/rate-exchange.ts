import { setTimeout as delay } from 'node:timers/promises';
import type { RateLedger } from '../sessions/rate-ledger.ts';
import type { RateLimits } from './rate-limits.ts';

/** How often a node tells the others what it has used, milliseconds. */
const EXCHANGE_MS = 250;

/**
 * Tells other nodes what was used of rate limits, and learns what they have used, one statement for all buckets at a
 * time and none while nothing is used. No request waits for it; while the ledger is out of reach each node counts
 * alone. Ends when the signal aborts.
 */
export async function exchangeRates(
  limits: RateLimits,
  ledger: RateLedger,
  signal: AbortSignal,
  report: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await delay(EXCHANGE_MS, undefined, { signal, ref: false }).catch(() => undefined);
    const used = limits.untold();
    if (used.length === 0) continue;
    try {
      limits.learn(await ledger.settle(used));
    } catch (error) {
      limits.retell(used);
      if (!signal.aborted) report(error);
    }
  }
}
