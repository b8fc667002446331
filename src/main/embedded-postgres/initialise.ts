import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MilenaError } from '../../errors/milena-error.ts';
import { createFile, fileError } from '../data-folder/files.ts';
import { type Account, initdbAccount } from './account.ts';
import type { Binaries } from './binaries.ts';
import { explain } from './explain.ts';
import { runProgram } from './run-program.ts';

/**
 * The database's folder as Postgres is told it. When root lends Postgres another user, that user may be unable
 * to walk to the folder (a home of mode 0700); but it is put there as its working directory, and Linux lets a
 * process use that whatever lies above it.
 */
export function pathForPostgres(account: Account | undefined, database: string): string {
  return account === undefined ? database : '/proc/self/cwd';
}

/** The superuser, the database and the file beside the database's folder that holds the password. */
export const postgresUser = 'milena';
export const passwordFile = 'postgres.password';

/**
 * Makes the database cluster: initdb, the password, the database `milena`. It is made under another name and
 * gets its own when complete, so a start that is killed midway leaves nothing that a later one must understand.
 * @throws MilenaError START_FAILED
 */
export async function initialise(
  binaries: Binaries,
  account: Account | undefined,
  folder: string,
  database: string,
): Promise<void> {
  const making = `${database}.new`;
  const maker = account === undefined ? undefined : initdbAccount(account);
  if (account !== undefined && maker === undefined) {
    const text = 'Root needs a user for Postgres: make one named "milena" (useradd --system milena).';
    throw new MilenaError('START_FAILED', text);
  }
  const password = randomBytes(24).toString('base64url');
  try {
    await rm(making, { recursive: true, force: true });
    await mkdir(making, { mode: 0o700 });
    if (maker !== undefined) await chown(making, maker.uid, maker.gid);
    await runInitdb(binaries, maker, making);
    await setPassword(binaries, maker, making, password);
    if (account !== undefined) await giveAway(making, account);
    await rm(join(folder, passwordFile), { force: true });
    await createFile(join(folder, passwordFile), `${password}\n`);
    await rename(making, database);
  } catch (error) {
    if (error instanceof MilenaError) throw error;
    throw fileError(error, database);
  }
}

async function runInitdb(binaries: Binaries, account: Account | undefined, database: string): Promise<void> {
  const args = [
    ...['-D', pathForPostgres(account, database), '-U', postgresUser, '-A', 'trust', '--no-instructions'],
    // The built-in provider sorts by code point whatever the machine's libraries: a rebuild gives the same order.
    ...['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
  ];
  const { code, output } = await runProgram(binaries.initdb, args, { account, cwd: database });
  if (code !== 0) throw new MilenaError('START_FAILED', `Postgres could not be set up: ${explain(output)}`);
}

/** In single-user mode (which wants a user with a name, too), so that no server ever lets anybody in. */
async function setPassword(
  binaries: Binaries,
  account: Account | undefined,
  database: string,
  password: string,
): Promise<void> {
  const args = ['--single', '-j', '-D', pathForPostgres(account, database), 'postgres'];
  const input = [
    `ALTER USER ${postgresUser} PASSWORD '${password}'`,
    `CREATE DATABASE ${postgresUser} TEMPLATE template0`,
  ].join(';\n\n');
  const { code, output } = await runProgram(binaries.postgres, args, {
    account,
    cwd: database,
    input: `${input};\n\n`,
  });
  if (code !== 0 || /^(ERROR|FATAL|PANIC):/m.test(output)) {
    throw new MilenaError('START_FAILED', `Postgres could not be set up: ${explain(output)}`);
  }
}

/** Hands a folder and all in it to the account. Links are none in there. */
async function giveAway(path: string, account: Account): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await giveAway(child, account);
    else await chown(child, account.uid, account.gid);
  }
  await chown(path, account.uid, account.gid);
  await chmod(path, 0o700);
}
