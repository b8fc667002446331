import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { giveToOwnerOf, replaceFile } from './files.ts';
import { identityOfThisProcess, type ProcessIdentity, stateOf } from './process-identity.ts';

/** A server process that uses the data folder, and where its internal listener is. */
export interface RunningServer extends ProcessIdentity {
  /** `http://host:port` of the internal listener. */
  readonly address: string;
  readonly roles: readonly string[];
}

/** Takes the announcement back. */
export interface Announcement {
  withdraw(): Promise<void>;
}

/**
 * Notes in the data folder where this process's internal listener is, so that the command line finds it. Each
 * of several processes has a file of its own; those of killed ones are cleared.
 */
export async function announceServer(
  folder: string,
  server: { readonly address: string; readonly roles: readonly string[] },
): Promise<Announcement> {
  const path = join(folder, 'running');
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) await giveToOwnerOf(folder, path);
  await runningServers(folder);
  const file = join(path, `${process.pid}.json`);
  await replaceFile(file, `${JSON.stringify({ ...identityOfThisProcess(), ...server }, null, 2)}\n`);
  return { withdraw: () => rm(file, { force: true }) };
}

/** The server processes that use the folder now. Those of other containers are listed as they say. */
export async function runningServers(folder: string): Promise<readonly RunningServer[]> {
  const path = join(folder, 'running');
  const names = await readdir(path).catch(() => []);
  const running: RunningServer[] = [];
  for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
    const server = await readServer(join(path, name));
    if (server === undefined) continue;
    if (stateOf(server) === 'gone') await rm(join(path, name), { force: true });
    else running.push(server);
  }
  return running;
}

async function readServer(file: string): Promise<RunningServer | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isServer(parsed) ? parsed : undefined;
  } catch {
    return undefined; // Withdrawn just now.
  }
}

function isServer(value: unknown): value is RunningServer {
  return (
    typeof value === 'object' && value !== null && 'pid' in value && 'address' in value && 'roles' in value
  );
}
