import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MilenaError } from '../../errors/milena-error.ts';
import { holderOf } from '../data-folder/lock.ts';
import { passwordFile, postgresUser } from './initialise.ts';
import { isReady } from './orphan.ts';

/**
 * Where an embedded Postgres takes connections, for `pg` and libpq alike; holds the password.
 * @param sockets the folder of its socket.
 * @throws MilenaError START_FAILED that says what to do when the password is not there.
 */
export async function embeddedUrl(folder: string, sockets: string): Promise<string> {
  const url = `postgresql://${postgresUser}:${await passwordOf(folder)}@localhost/${postgresUser}`;
  return `${url}?host=${encodeURIComponent(sockets)}`;
}

/**
 * The embedded Postgres that another process runs on this data folder, to work beside that process.
 * @returns undefined when none runs.
 * @throws MilenaError as `embeddedUrl`.
 */
export async function runningPostgresUrl(folder: string): Promise<string | undefined> {
  if ((await holderOf(folder)) === undefined) return undefined;
  const database = join(folder, 'postgres');
  if (!isReady(database)) return undefined;
  // Postgres notes the folder of its socket in the fifth line, as it was configured: perhaps relative to its data.
  const lines = (await readFile(join(database, 'postmaster.pid'), 'utf8')).split('\n');
  return embeddedUrl(folder, resolve(database, lines[4]?.trim() ?? '.'));
}

async function passwordOf(folder: string): Promise<string> {
  const file = join(folder, passwordFile);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const text = `${file} cannot be read; without it the database stays shut. Restore it from a backup of the folder.`;
    throw new MilenaError('START_FAILED', text, { cause });
  }
}
