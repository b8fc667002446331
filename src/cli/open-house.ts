import type { Config } from '../config/config.ts';
import { runningServers } from '../main/data-folder/running.ts';
import { internalSecret } from '../main/data-folder/secrets.ts';
import type { House, WithOffline } from './house.ts';
import { RemoteHouse } from './remote-house.ts';

/**
 * Does some work with the server: through the internal listener of one that runs (named by `server`, or noted in
 * the data folder, or at the configured address), otherwise with the pieces started in this process.
 * @param doing what for, told to whoever meets the data folder's lock meanwhile.
 */
export async function withHouse<T>(
  config: Config,
  server: string | undefined,
  doing: string,
  work: (house: House) => Promise<T>,
): Promise<T> {
  const address = server ?? (await runningAddress(config));
  if (address !== undefined) {
    const secret = config.internalSecret ?? (await internalSecret(config.data));
    return work(new RemoteHouse(address, secret));
  }
  // Only now is the whole server loaded: asking a running one takes a tenth of that time.
  const { withOffline } = (await import('../main/offline.ts')) satisfies { withOffline: WithOffline<Config> };
  return withOffline(config, doing, work);
}

async function runningAddress(config: Config): Promise<string | undefined> {
  const servers = await runningServers(config.data);
  // Any of them forwards what it does not do itself; one that owns slots saves a hop.
  const noted = servers.find((server) => server.roles.includes('owner')) ?? servers[0];
  if (noted !== undefined) return noted.address;
  const { host, port } = config.internalBind;
  if (port === 0) return undefined;
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const answered = await fetch(address, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
  return answered ? address : undefined;
}
