import type { ReadGate } from '../../projections/read-gate.ts';
import { MilenaError } from '../errors/milena-error.ts';

/** How long the models may take to have everything that is on the log now, milliseconds. */
const MODELS_MS = 10_000;

/** What tells how far the models are. */
export interface CaughtUp {
  readonly gate: Pick<ReadGate, 'reached'>;
  /** Where a topic's partitions end on the log. */
  ends(topic: 'users' | 'rooms'): Promise<readonly number[]>;
}

/**
 * Waits until the models of users and rooms have what the log has by now.
 * @throws MilenaError UNAVAILABLE when that takes too long.
 */
export async function requireModels({ gate, ends }: CaughtUp): Promise<void> {
  const topics = await Promise.all(
    (['users', 'rooms'] as const).map(async (topic) => ({ topic, offsets: await ends(topic) })),
  );
  const waits = topics.flatMap(({ topic, offsets }) =>
    offsets.map((end, slot) => end === 0 || gate.reached(topic, slot, end - 1, MODELS_MS)),
  );
  const reached = await Promise.all(waits);
  if (!reached.every((one) => one))
    throw new MilenaError('UNAVAILABLE', 'The read models are too far behind.');
}
