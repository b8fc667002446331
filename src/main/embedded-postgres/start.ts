import { type ChildProcess, spawn } from 'node:child_process';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MilenaError } from '../../errors/milena-error.ts';
import { replaceFile } from '../data-folder/files.ts';
import { type Account, postgresAccount } from './account.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { explain } from './explain.ts';
import { guard } from './guard.ts';
import { initialise, pathForPostgres } from './initialise.ts';
import { clearOrphan, isReady } from './orphan.ts';
import { embeddedUrl } from './reach.ts';
import { postgresEnv } from './run-program.ts';
import { hbaConf, postgresConf } from './settings.ts';

/** A running embedded Postgres. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** For `pg` and libpq alike; holds the password. */
  readonly url: string;
  readonly pid: number;
  /** True when this start made the database. */
  readonly isNew: boolean;
  /** What an operator should know: whom it runs as, what was copied where, what was cleared. A line each. */
  readonly notes: readonly string[];
  /** Resolves when Postgres ends, with the reason in plain words; after `stop` with undefined. */
  readonly ended: Promise<string | undefined>;
  /** Stops it cleanly: sessions are cut off, everything is written. Harmless when it has ended. */
  stop(): Promise<void>;
}

/** Options of `startEmbeddedPostgres`. */
export interface EmbeddedPostgresOptions {
  /** The data folder, which must exist and be locked by the caller (see `data-folder/lock.ts`). */
  readonly folder: string;
  /** Gets Postgres's messages: a line each, warnings and worse. They hold no content. */
  readonly onMessage?: (line: string) => void;
}

/** The longest path of a Unix socket is 107 bytes; Postgres's file name takes 15 of them. */
const longestSocketFolder = 90;
/** Recovery after a crash replays at most `max_wal_size`: seconds. A minute without an end is a fault. */
const startPatience = 120_000;
const stopPatience = 60_000;

/**
 * Starts Postgres on the folder's database, making it first if there is none, and clearing what a killed Milena
 * left. A second start takes well under a second.
 * @throws MilenaError START_FAILED with the reason in plain words: disk full, broken data, missing programs.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const database = join(options.folder, 'postgres');
  const account = await postgresAccount(options.folder, database);
  const binaries = await findBinaries(account, options.folder);
  const orphan = await clearOrphan(database);
  // Nobody runs on the folder now (its lock is ours), but a killed Postgres that is not reaped yet still counts
  // as alive to the next one.
  await rm(join(database, '.s.PGSQL.5432.lock'), { force: true });
  await rm(join(database, '.s.PGSQL.5432'), { force: true });
  const isNew = (await stat(database).catch(() => undefined)) === undefined;
  if (isNew) await initialise(binaries, account, options.folder, database);
  const sockets = await socketFolder(account, database);
  const url = await embeddedUrl(options.folder, sockets.path);
  await replaceFile(join(database, 'postgresql.conf'), postgresConf(sockets.forPostgres));
  await replaceFile(join(database, 'pg_hba.conf'), hbaConf);
  const running = new RunningPostgres(launch(binaries, account, database), account, options.onMessage);
  try {
    await running.untilReady(database);
    return running.handle({
      url,
      isNew,
      notes: notes(account, binaries, database, orphan),
      cleanUp: sockets.cleanUp,
    });
  } catch (error) {
    await running.stop();
    await sockets.cleanUp();
    throw error;
  }
}

function launch(binaries: Binaries, account: Account | undefined, database: string): ChildProcess {
  return spawn(binaries.postgres, ['-D', pathForPostgres(account, database)], {
    ...account,
    cwd: database,
    env: postgresEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a session of its own: Ctrl-C in the terminal is for Milena, which stops Postgres after its own work.
    detached: true,
  });
}

interface SocketFolder {
  readonly path: string;
  readonly forPostgres: string;
  cleanUp(): Promise<void>;
}

/** The socket lies in the database's own folder, or in a private temporary one where that path is too long. */
async function socketFolder(account: Account | undefined, database: string): Promise<SocketFolder> {
  if (Buffer.byteLength(database) <= longestSocketFolder) {
    return { path: database, forPostgres: '.', cleanUp: async () => undefined };
  }
  const path = await mkdtemp(join(tmpdir(), 'milena-'));
  if (account !== undefined) await chown(path, account.uid, account.gid);
  return { path, forPostgres: path, cleanUp: () => rm(path, { recursive: true, force: true }) };
}

function notes(
  account: Account | undefined,
  binaries: Binaries,
  database: string,
  orphan: number | undefined,
): readonly string[] {
  const lines: string[] = [];
  if (orphan !== undefined)
    lines.push(`Stopped a Postgres (process ${orphan}) that a killed Milena had left.`);
  if (account !== undefined) {
    lines.push(`Postgres refuses to run as root: it runs as user ID ${account.uid}, which owns ${database}.`);
  }
  if (binaries.copiedTo !== undefined) {
    const who = account === undefined ? 'this user' : 'that user';
    lines.push(
      `Where npm put them, ${who} cannot run Postgres's programs: a copy lies in ${binaries.copiedTo}.`,
    );
  }
  return lines;
}

class RunningPostgres {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string | undefined>;
  readonly #pid: number;
  #stopping = false;
  #hasEnded = false;
  #words = '';

  constructor(child: ChildProcess, account: Account | undefined, onMessage?: (line: string) => void) {
    this.#child = child;
    this.#pid = child.pid ?? 0;
    const watcher = child.pid === undefined ? undefined : guard(child.pid, account);
    this.#listen(onMessage);
    this.#ended = new Promise((resolve) => {
      const end = (words: string): void => {
        this.#hasEnded = true;
        watcher?.dismiss();
        resolve(this.#stopping ? undefined : explain(words));
      };
      child.on('error', (error) => end(error.message));
      child.on('exit', () => end(this.#words));
    });
  }

  /** Resolves when it takes connections. */
  async untilReady(database: string): Promise<void> {
    const until = performance.now() + startPatience;
    while (!isReady(database) || this.#pid === 0) {
      if (this.#hasEnded) {
        await sleep(20); // Its last words may come after its end.
        throw new MilenaError('START_FAILED', `Postgres did not start: ${explain(this.#words)}`);
      }
      if (performance.now() > until) {
        throw new MilenaError('START_FAILED', 'Postgres did not come up within two minutes.');
      }
      await sleep(10);
    }
  }

  handle(facts: {
    readonly url: string;
    readonly isNew: boolean;
    readonly notes: readonly string[];
    readonly cleanUp: () => Promise<void>;
  }): EmbeddedPostgres {
    const stop = async (): Promise<void> => {
      await this.stop();
      await facts.cleanUp();
    };
    const { url, isNew, notes } = facts;
    return { url, isNew, notes, pid: this.#pid, ended: this.#ended, stop, [Symbol.asyncDispose]: stop };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.#hasEnded) this.#child.kill('SIGINT');
    const late = setTimeout(() => this.#child.kill('SIGQUIT'), stopPatience).unref();
    await this.#ended;
    clearTimeout(late);
  }

  #listen(onMessage?: (line: string) => void): void {
    const take = (chunk: Buffer): void => {
      const text = chunk.toString('utf8');
      this.#words = (this.#words + text).slice(-4000);
      for (const line of text.split('\n')) if (isWorthTelling(line)) onMessage?.(line);
    };
    this.#child.stdout?.on('data', take);
    this.#child.stderr?.on('data', take);
  }
}

/** Start and stop are told by Milena itself. */
function isWorthTelling(line: string): boolean {
  return /^(WARNING|ERROR|FATAL|PANIC):/.test(line);
}
