import { access, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MilenaError } from '../../errors/milena-error.ts';
import { createFile, errnoOf, fileError, giveToOwnerOf, replaceFile } from './files.ts';

/** The format of data folders that this version makes and reads. */
export const dataFormat = 1;

/** What a data folder says about itself, in `milena.json`. */
export interface DataFolderFacts {
  readonly format: number;
  readonly serverName: string;
  /** Where the log lies that belongs to it. */
  readonly log: 'postgres' | 'kafka';
  /** The embedded Postgres's major version; null while there is none. */
  readonly postgresMajor: number | null;
  /** The version of Milena that made it. */
  readonly madeBy: string;
}

/** What this start wants of the folder. */
export interface DataFolderWish {
  /** Absolute path. */
  readonly path: string;
  readonly serverName: string;
  readonly log: 'postgres' | 'kafka';
  /** The major version of the embedded Postgres, or null when Postgres is elsewhere. */
  readonly postgresMajor: number | null;
  readonly version: string;
}

/** A data folder that fits this start. */
export interface DataFolder {
  readonly path: string;
  readonly facts: DataFolderFacts;
  /** True when this start made it. */
  readonly isNew: boolean;
}

/**
 * Opens the data folder, or makes it.
 * @throws MilenaError DATA_MISMATCH when it was made by another format, for another server name, log or Postgres
 *   major, or has a database and no `milena.json`; the message names the way out. START_FAILED when it cannot be
 *   read or made.
 */
export async function openDataFolder(wish: DataFolderWish): Promise<DataFolder> {
  const { path, serverName, log, postgresMajor } = wish;
  await makeFolder(path);
  const file = join(path, 'milena.json');
  await refuseNameless(path, file);
  const fresh: DataFolderFacts = { format: dataFormat, serverName, log, postgresMajor, madeBy: wish.version };
  if (await createFile(file, json(fresh))) return { path, facts: fresh, isNew: true };
  const facts = await readDataFolder(path);
  const problem = mismatch(facts, wish);
  if (problem !== undefined) {
    throw new MilenaError('DATA_MISMATCH', `${path} ${problem}`, { log: { ...facts } });
  }
  if (facts.postgresMajor !== null && postgresMajor !== null) await refuseEmptied(path);
  if (facts.postgresMajor !== null || postgresMajor === null) return { path, facts, isNew: false };
  // So far its Postgres was elsewhere; from now on it has one of its own.
  const grown = { ...facts, postgresMajor };
  await replaceFile(file, json(grown));
  return { path, facts: grown, isNew: false };
}

/**
 * What an existing data folder says about itself.
 * @throws MilenaError START_FAILED when there is none, or it cannot be read.
 */
export async function readDataFolder(path: string): Promise<DataFolderFacts> {
  const file = join(path, 'milena.json');
  try {
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (isFacts(parsed)) return parsed;
  } catch (error) {
    if (errnoOf(error) !== undefined) throw fileError(error, file);
  }
  throw new MilenaError('START_FAILED', `${file} is damaged: restore it from a backup.`);
}

const wayOut = (withWhat: string): string =>
  `The way out: with ${withWhat} write the log to a file (milena log export FILE), then read it into a new ` +
  'folder with this one (milena log import FILE).';

function mismatch(facts: DataFolderFacts, wish: DataFolderWish): string | undefined {
  if (facts.format !== dataFormat) {
    return (
      `has data format ${facts.format} (made by Milena ${facts.madeBy}); this Milena reads format ${dataFormat}. ` +
      wayOut('a Milena that reads it')
    );
  }
  if (facts.serverName !== wish.serverName) {
    return (
      `belongs to the server name "${facts.serverName}", which is for good, and not to "${wish.serverName}". ` +
      `Set MILENA_SERVER_NAME=${facts.serverName}, or choose another folder with MILENA_DATA.`
    );
  }
  if (facts.log !== wish.log) {
    return `has its log in ${facts.log}, not in ${wish.log}. ${wayOut(`log: ${facts.log}`)}`;
  }
  if (
    facts.postgresMajor !== null &&
    wish.postgresMajor !== null &&
    facts.postgresMajor !== wish.postgresMajor
  ) {
    return (
      `holds data of Postgres ${facts.postgresMajor}; this Milena brings Postgres ${wish.postgresMajor}. ` +
      wayOut(`the Milena that brought Postgres ${facts.postgresMajor}`)
    );
  }
  return undefined;
}

/** A database whose server name nobody knows any more must not be given another one. */
async function refuseNameless(path: string, file: string): Promise<void> {
  const [hasFacts, hasDatabase] = await Promise.all(
    [file, join(path, 'postgres', 'PG_VERSION')].map(isThere),
  );
  if (hasFacts || !hasDatabase) return;
  throw new MilenaError(
    'DATA_MISMATCH',
    `${path} has a database, but milena.json, which says whose it is, is missing. The way out: restore ` +
      'milena.json from a backup of the folder, or choose another folder with MILENA_DATA.',
  );
}

/** A folder that has served and has no database any more must not quietly begin anew: perhaps a disk is missing. */
async function refuseEmptied(path: string): Promise<void> {
  // A first start that was killed midway has no database either, and has never served.
  const [hasServed, hasDatabase] = await Promise.all(
    [join(path, 'running'), join(path, 'postgres', 'PG_VERSION')].map(isThere),
  );
  if (!hasServed || hasDatabase) return;
  throw new MilenaError(
    'DATA_MISMATCH',
    `${path} has lost its database: ${join(path, 'postgres')} is missing. The way out: put it back (is a disk not ` +
      'mounted?) or restore the folder from a backup, or choose another folder with MILENA_DATA.',
  );
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function makeFolder(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made !== undefined) await giveToOwnerOf(dirname(made), made);
  } catch (error) {
    throw fileError(error, path);
  }
}

function json(facts: DataFolderFacts): string {
  return `${JSON.stringify(facts, null, 2)}\n`;
}

function isFacts(value: unknown): value is DataFolderFacts {
  if (typeof value !== 'object' || value === null) return false;
  const has = (key: string, type: string): boolean => typeof Reflect.get(value, key) === type;
  return (
    has('format', 'number') && has('serverName', 'string') && has('log', 'string') && has('madeBy', 'string')
  );
}
