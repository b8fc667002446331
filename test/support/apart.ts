import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { MilenaProcess } from './milena-process.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import {
  type CommandOutcome,
  internalUrl,
  logSettings,
  runMilena,
  testSettings,
  throwawayFolder,
} from './server.ts';

/** How roles are divided into processes, and over what. */
export interface ApartOptions {
  /** A process for each entry: `['api', 'owner,projector,manager']` where nothing is said. */
  readonly roles?: readonly string[];
  readonly log?: 'postgres' | 'kafka';
  readonly env?: Readonly<Record<string, string>>;
  readonly readyWithin?: number;
}

/** Several Milena processes over one log and one Postgres, each with some roles. */
export interface Apart extends AsyncDisposable {
  /** The client API of the first process that has the role `api`. */
  readonly url: string;
  readonly serverName: string;
  readonly postgres: TestPostgres;
  /** The processes by their roles, as they were asked for. */
  readonly processes: ReadonlyMap<string, MilenaProcess>;
  /** The process whose roles include this one. @throws Error when there is none. */
  process(role: string): MilenaProcess;
  /** The settings of that process, for commands. */
  env(role: string): Readonly<Record<string, string>>;
  /** Runs `milena <args>` with the settings of the process that has `role`. */
  milena(role: string, args: readonly string[], within?: number, input?: string): Promise<CommandOutcome>;
  /** Every live Node process of them. */
  pids(): readonly number[];
  stop(): Promise<void>;
}

const DEFAULT_ROLES = ['api', 'owner,projector,manager'] as const;

/** Starts them: the owner's process first, because it makes the keys that the others need too. */
export async function startApart(options: ApartOptions = {}): Promise<Apart> {
  const folder = throwawayFolder();
  const postgres = await startPostgres();
  const groups = [...(options.roles ?? DEFAULT_ROLES)].sort((a, b) => rank(a) - rank(b));
  const processes = new Map<string, MilenaProcess>();
  const apart = handle(folder, postgres, processes);
  try {
    const shared = {
      MILENA_POSTGRES_URL: await postgres.createDatabase('milena'),
      ...logSettings(options.log),
      ...options.env,
    };
    for (const roles of groups) {
      const plan = await planOf(roles, folder, shared, options.readyWithin ?? 60_000);
      const process = new MilenaProcess(plan);
      processes.set(roles, process);
      await process.start();
    }
  } catch (error) {
    await apart[Symbol.asyncDispose]();
    throw error;
  }
  return apart;
}

/** Owners before projectors before the rest. */
function rank(roles: string): number {
  return roles.includes('owner') ? 0 : roles.includes('projector') ? 1 : 2;
}

async function planOf(roles: string, folder: string, shared: Record<string, string>, readyWithin: number) {
  const name = roles.replaceAll(',', '-');
  const port = await freePort();
  const env: Record<string, string> = {
    // One folder for all: the keys in it must be the same for every node.
    ...testSettings(join(folder, 'data'), port, await freePort()),
    ...shared,
  };
  return {
    name,
    args: ['serve', '--roles', roles],
    env,
    logFile: join(folder, `${name}.log`),
    // Only a process with the role `api` listens on the public port; the others tell on the internal one.
    readyUrl: `${roles.includes('api') ? `http://127.0.0.1:${port}` : internalUrl(env)}/_milena/ready`,
    readyWithin,
  };
}

function handle(folder: string, postgres: TestPostgres, processes: Map<string, MilenaProcess>): Apart {
  const find = (role: string): MilenaProcess => {
    for (const [roles, process] of processes) if (roles.split(',').includes(role)) return process;
    throw new Error(`no process has the role ${role}`);
  };
  return {
    get url() {
      return `http://127.0.0.1:${find('api').plan.env['MILENA_PORT']}`;
    },
    serverName: 'localhost',
    postgres,
    processes,
    process: find,
    env: (role) => find(role).plan.env,
    milena: (role, args, within, input) => {
      const { env } = find(role).plan;
      return runMilena([...args, '--server', internalUrl(env)], env, within, input);
    },
    pids: () => [...processes.values()].flatMap((process) => process.pids()),
    stop: () => stopAll(processes),
    [Symbol.asyncDispose]: async () => {
      await stopAll(processes).catch(() => {});
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Stops them in the order in which requests flow: who answers clients first. */
async function stopAll(processes: ReadonlyMap<string, MilenaProcess>): Promise<void> {
  const failures: unknown[] = [];
  for (const process of [...processes.values()].reverse()) {
    await process.stop().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'some processes did not stop');
}
