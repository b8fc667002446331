import type { Config } from '../config/config.ts';
import { openCore } from './core.ts';
import { runningPostgresUrl } from './embedded-postgres/reach.ts';
import { withOffline } from './offline.ts';
import { openReadModels } from './read-models.ts';

/**
 * Builds with this software what it has another version of than the active read models, and switches all of it at
 * once. The servers that run go on and serve meanwhile, also those that hold the data folder with its embedded
 * Postgres: this process owns and projects nothing. From the switch on, software of the old version serves no more.
 * @param tell told how far it is, in lines for the operator.
 * @returns the models that were built.
 * @throws MilenaError UNAVAILABLE while newer software serves, or another process builds.
 */
export async function buildBeside(config: Config, tell: (line: string) => void): Promise<readonly string[]> {
  const url = config.postgresUrl ?? (await runningPostgresUrl(config.data));
  // Alone on the data: it is brought up to date by opening it.
  if (url === undefined) return withOffline(config, 'rebuild', async () => []);
  await using core = await openCore({ ...config, postgresUrl: url }, 'rebuild');
  await using models = await openReadModels(core);
  const { projections } = models;
  const outdated = projections.outdated();
  await projections.bringUpToDate({
    onProgress: ({ schema, records }) => tell(`${schema}: building, ${records} records`),
  });
  return outdated;
}
