import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Makes a lockfile complete: `node src/main/launch.js --script test/checks/lockfile.ts`, to be run after every
 * `npm install`. Some registries lack the platform packages of other systems (Android, Windows, …). npm then leaves
 * them out of the lockfile without a word, and `npm ci` refuses that lockfile. With an entry for each, `npm ci`
 * sees that they are for other machines and does not ask for them.
 */

/** An entry of a lockfile, as far as it matters here. */
interface Package {
  readonly version?: string;
  readonly dev?: boolean;
  readonly license?: string;
  readonly engines?: unknown;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A lockfile of version 3. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, Package>>;
}

/** A package that another one names as optional and that has no entry. */
interface Missing {
  readonly path: string;
  readonly version: string;
  readonly of: Package;
}

/** What is missing, in the order of the lockfile. */
export function missingFrom({ packages }: Lockfile): readonly Missing[] {
  const have = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
  return Object.values(packages).flatMap((of) =>
    Object.entries(of.optionalDependencies ?? {})
      .filter(([name]) => !have.has(name))
      .map(([name, version]) => ({ path: `node_modules/${name}`, version, of })),
  );
}

/** The lockfile with an entry for each of them. */
export function completed(lockfile: Lockfile): Lockfile {
  const added = missingFrom(lockfile).map(
    ({ path, version, of }) => [path, entry(path, version, of)] as const,
  );
  const all = [...Object.entries(lockfile.packages), ...added].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...lockfile, packages: Object.fromEntries(all) };
}

/** The machine that a platform package is for stands in its name: `cli-linux-x64-musl`, `binding-win32-x64-msvc`. */
function entry(path: string, version: string, of: Package): object {
  const match = /(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(path);
  if (match === null)
    throw new Error(`${path} is missing, and its name does not say which machine it is for`);
  const [, os, cpu, abi = ''] = match;
  const libc = abi.startsWith('musl') ? ['musl'] : abi.startsWith('gnu') ? ['glibc'] : undefined;
  return {
    version,
    cpu: [cpu],
    ...(of.dev === true ? { dev: true } : {}),
    ...(os === 'linux' && libc !== undefined ? { libc } : {}),
    ...(of.license === undefined ? {} : { license: of.license }),
    optional: true,
    os: [os],
    ...(of.engines === undefined ? {} : { engines: of.engines }),
  };
}

/** Reads a lockfile. */
export function readLockfile(path: string | URL): Lockfile {
  // The cast: npm wrote it.
  return JSON.parse(readFileSync(path, 'utf8')) as Lockfile;
}

if (import.meta.main) {
  const [path = 'package-lock.json'] = process.argv.slice(2);
  const lockfile = readLockfile(path);
  const missing = missingFrom(lockfile);
  writeFileSync(path, `${JSON.stringify(completed(lockfile), null, 2)}\n`);
  console.log(`${missing.length} entries added to ${path}`);
}
