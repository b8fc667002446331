import type { House } from '../cli/house.ts';
import type { Config } from '../config/config.ts';
import { openHouse } from './open-house.ts';

/**
 * The house of a server that does not run: Postgres, log, owners and projectors in this process, for as long as
 * `work` takes. Slots are taken as any node takes them, so an owner that lives is never fenced.
 */
export async function withOffline<T>(
  config: Config,
  doing: string,
  work: (house: House) => Promise<T>,
): Promise<T> {
  // Importing wants a log that nobody has claimed and no model has read.
  const alone = doing === 'log import' || doing === 'log export';
  await using open = await openHouse(
    { ...config, logLevel: 'error' },
    { doing, owns: !alone, projects: !alone, node: () => 'http://127.0.0.1:0' },
  );
  if (!alone) await open.start();
  return await work(open.house);
}
