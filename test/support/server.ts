import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { cleanEnvironment, LAUNCHER, MilenaProcess, ROOT, signal } from './milena-process.ts';
import { isAlive, processTree } from './process-tree.ts';

/** How a server for a test differs from the plain one. */
export interface ServerOptions {
  /** Settings on top of the throwaway ones (`MILENA_…`). */
  readonly env?: Readonly<Record<string, string>>;
  /** Roles of the one process; all of them where nothing is said. */
  readonly roles?: string;
  /** A data folder to keep; a throwaway one under the system's temporary folder otherwise. */
  readonly dataDir?: string;
  /** The log's adapter. `kafka` needs `MILENA_KAFKA_BROKERS` in `env` or in this process's environment. */
  readonly log?: 'postgres' | 'kafka';
  /** Milliseconds until it must be ready; 60 seconds where nothing is said (the first start runs initdb). */
  readonly readyWithin?: number;
}

/** What a `milena` command printed and how it ended. */
export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** When each line of standard error came, milliseconds since the command was started. */
  readonly progress: readonly { readonly at: number; readonly line: string }[];
}

/** A running Milena. Disposing stops it and removes its throwaway folder. */
export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:port` of the client API. */
  readonly url: string;
  readonly dataDir: string;
  readonly serverName: string;
  /** The settings it runs with, for commands and for further processes. */
  readonly env: Readonly<Record<string, string>>;
  /** The launcher's process ID. */
  readonly pid: number;
  /** Every live process of it: launcher, Node, and Postgres when it is embedded. */
  pids(): readonly number[];
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** kill -9 of its Node processes. */
  kill(): Promise<void>;
  /** Starts it again on the same data; stops it first if it runs. */
  restart(): Promise<void>;
  /** The process itself, for tests that start and end it step by step. */
  readonly process: MilenaProcess;
  /** Runs `milena <args>` with the same settings, for up to `within` milliseconds. */
  milena(args: readonly string[], within?: number, input?: string): Promise<CommandOutcome>;
  /** What it has printed so far. */
  stderr(): string;
}

/** What the nodes of a test show each other. */
export const INTERNAL_SECRET = 'a-secret-of-the-tests-only';

/** A folder for one server, readable on the way down for the unprivileged user that Postgres runs as. */
export function throwawayFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'milena-test-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** Settings every test server has: a throwaway data folder, free ports, open registration, no rate limits. */
export function testSettings(dataDir: string, port: number, internalPort = 0): Record<string, string> {
  return {
    MILENA_DATA: dataDir,
    MILENA_BIND: '127.0.0.1',
    MILENA_PORT: String(port),
    MILENA_INTERNAL_BIND: `127.0.0.1:${internalPort}`,
    MILENA_INTERNAL_SECRET: INTERNAL_SECRET,
    MILENA_REGISTRATION: 'open',
    MILENA_RATE_LIMITS: 'off',
    // A tenth of a millisecond instead of a quarter of a second: what is tested is not the hash.
    MILENA_PASSWORD_HASH_MEMORY: '64',
    MILENA_PASSWORD_HASH_PASSES: '1',
    MILENA_LOG_LEVEL: 'warn',
  };
}

/** The settings that name the log, from the options and this process's own environment. */
export function logSettings(log: 'postgres' | 'kafka' | undefined): Record<string, string> {
  if (log !== 'kafka') return {};
  const brokers = process.env['MILENA_KAFKA_BROKERS'];
  return {
    MILENA_LOG: 'kafka',
    MILENA_KAFKA_PREFIX: `test-${process.pid}-${Date.now().toString(36)}`,
    ...(brokers === undefined ? {} : { MILENA_KAFKA_BROKERS: brokers }),
  };
}

/** Where a process with these settings answers other nodes and the command line. */
export function internalUrl(env: Readonly<Record<string, string>>): string {
  return `http://${env['MILENA_INTERNAL_BIND']}`;
}

/** Starts one Milena process by its command line and waits until it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const folder = throwawayFolder();
  const port = await freePort();
  const dataDir = options.dataDir ?? join(folder, 'data');
  const env = {
    ...testSettings(dataDir, port, await freePort()),
    ...logSettings(options.log),
    ...options.env,
  };
  const url = `http://127.0.0.1:${env['MILENA_PORT']}`;
  const milena = new MilenaProcess({
    name: 'milena',
    args: options.roles === undefined ? ['serve'] : ['serve', '--roles', options.roles],
    env,
    logFile: join(folder, 'server.log'),
    readyUrl: `${url}/_milena/ready`,
    readyWithin: options.readyWithin ?? 60_000,
  });
  const server = handle(milena, url, dataDir, env, folder);
  try {
    await milena.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

function handle(
  milena: MilenaProcess,
  url: string,
  dataDir: string,
  env: Readonly<Record<string, string>>,
  folder: string,
): Server {
  return {
    url,
    dataDir,
    env,
    serverName: env['MILENA_SERVER_NAME'] ?? 'localhost',
    process: milena,
    get pid() {
      return milena.pid;
    },
    pids: () => [...new Set([...milena.pids(), ...postgresPids(dataDir)])],
    stop: () => milena.stop(),
    kill: () => milena.kill(),
    restart: async () => {
      await milena.stop();
      await milena.start();
    },
    milena: (args, within, input) => runMilena(args, env, within, input),
    stderr: () => milena.output(),
    [Symbol.asyncDispose]: async () => {
      await milena.stop().catch(() => {});
      await endOrphans(dataDir);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The embedded Postgres of a data folder with all its processes, found by the pid file that Postgres keeps. */
export function postgresPids(dataDir: string): readonly number[] {
  const file = postmasterFile(dataDir, 2);
  if (file === undefined) return [];
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  return isAlive(pid) ? processTree([pid]).map((line) => line.pid) : [];
}

/** Where Postgres keeps its pid file: in its own data folder, which lies in ours or a level or two below. */
function postmasterFile(folder: string, depth: number): string | undefined {
  const file = join(folder, 'postmaster.pid');
  if (existsSync(file)) return file;
  if (depth === 0 || !existsSync(folder)) return undefined;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const found = entry.isDirectory() ? postmasterFile(join(folder, entry.name), depth - 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Ends a Postgres that a killed server left behind in a throwaway folder. */
export async function endOrphans(dataDir: string): Promise<void> {
  const pids = postgresPids(dataDir);
  for (const pid of pids) signal(pid, 'SIGKILL');
  for (let tries = 0; tries < 100 && pids.some(isAlive); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs one `milena` command to its end, with `input` on its standard input. */
export function runMilena(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  within = 60_000,
  input = '',
): Promise<CommandOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], {
      cwd: ROOT,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A command that wants no input may have ended before it came.
    child.stdin.on('error', () => undefined).end(input);
    const timer = setTimeout(() => child.kill('SIGKILL'), within);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const start = performance.now();
    const progress: { at: number; line: string }[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const at = performance.now() - start;
      for (const line of text.split('\n')) if (line !== '') progress.push({ at, line });
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, progress });
    });
  });
}
