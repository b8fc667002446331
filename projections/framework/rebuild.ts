import { MilenaError } from '../../src/errors/milena-error.ts';
import type { ReadModel } from './model.ts';
import { OneRebuild, type RebuildOptions, type RebuildParts, type RebuildReport } from './one-rebuild.ts';
import { withRoomyHeap } from './roomy-heap.ts';

/** Class of the advisory locks that allow one rebuild of a model at a time. */
const REBUILD_LOCK = 0x6d696c06;

/** While more records than this are missing, the old schema's projectors are not held still yet. */
const NEAR = 2_000;

/**
 * Builds models anew beside their active schemas, from the log alone, while those go on and serve; then, at the
 * same offsets and if count and digest are equal, switches all of them in one transaction: who reads several
 * models never meets some of the new version and some of the old. The old schemas are kept for `rollBack` until
 * the next rebuild. After a failure nothing has changed.
 * @throws MilenaError UNAVAILABLE when one is being rebuilt already; INTERNAL when the gate holds one back.
 */
export async function rebuild(
  parts: RebuildParts,
  models: readonly ReadModel[],
  options: RebuildOptions = {},
): Promise<readonly RebuildReport[]> {
  const lock = await parts.database.dedicated('milena-rebuild');
  try {
    // In one order everywhere, so that two who switch never wait for each other.
    const ordered = models.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    for (const { name } of ordered) {
      const { rows } = await lock.query<{ held: boolean }>(
        'SELECT pg_try_advisory_lock($1, hashtext($2)) AS held',
        [REBUILD_LOCK, name],
      );
      if (rows[0]?.held !== true) throw new MilenaError('UNAVAILABLE', `${name} is being rebuilt already`);
    }
    const rebuilds = ordered.map((model) => new OneRebuild(parts, model, options));
    return await withRoomyHeap(() => runTogether(parts, rebuilds));
  } finally {
    await lock.end();
  }
}

async function runTogether(
  { database }: RebuildParts,
  rebuilds: readonly OneRebuild[],
): Promise<readonly RebuildReport[]> {
  try {
    for (const one of rebuilds) await one.fill();
    // What came meanwhile, in smaller and smaller steps.
    for (let step = 0; step < 20; step++) {
      let records = 0;
      for (const one of rebuilds) records += await one.catchUp();
      if (records < NEAR) break;
    }
    await database.transaction(async (client) => {
      for (const one of rebuilds) await one.switchIn(client);
    });
    return await Promise.all(rebuilds.map((one) => one.done()));
  } catch (error) {
    for (const one of rebuilds) await one.abandon(error);
    throw error;
  } finally {
    for (const one of rebuilds) await one.close();
  }
}
