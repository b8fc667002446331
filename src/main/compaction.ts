import { capabilities } from '../log/capabilities.ts';
import type { EventLog } from '../log/port.ts';
import { topicNames, topics } from '../log/topics.ts';

/** Milliseconds between compactions of one slot: what was replaced stays on the disk for so long. */
const EVERY_MS = 6 * 3_600_000;

/**
 * Has a log that does not do so by itself drop, from time to time, what later records of the same key have
 * replaced. Harmless to do twice; brokers compact on their own.
 * @param owns whether this node owns a slot now: each is compacted by its owner.
 */
export function keepCompact(
  log: EventLog,
  owns: (slot: number) => boolean,
  report: (error: unknown) => void,
): Disposable {
  if (capabilities[log.adapter].compactsWithin !== 'seconds') return { [Symbol.dispose]: () => undefined };
  const timer = setInterval(() => {
    compactAll(log, owns).catch(report);
  }, EVERY_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function compactAll(log: EventLog, owns: (slot: number) => boolean): Promise<void> {
  const compacted = topicNames.filter((name) => topics[name].kept === 'compacted');
  for (let slot = 0; slot < log.slots; slot += 1) {
    if (!owns(slot)) continue;
    for (const topic of compacted) await log.compact(topic, slot);
  }
}
