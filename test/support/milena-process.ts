import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Http } from './http.ts';
import { isAlive, processTree } from './process-tree.ts';

/** The checkout's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The launcher that `npm start` runs. */
export const LAUNCHER = `${ROOT}src/main/launch.js`;

/** What a Milena process is started with. */
export interface ProcessPlan {
  /** Names it in messages: `milena`, `api`, `owner`, … */
  readonly name: string;
  /** Arguments after the launcher, such as `['serve', '--roles', 'api']`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The launcher of another tree of the software; this one's where nothing is said. */
  readonly launcher?: string;
  /** Where standard output and error are collected. */
  readonly logFile: string;
  /** Asked until it answers 200; a process without one counts as ready once it runs. */
  readonly readyUrl: string | undefined;
  /** Milliseconds within which it must be ready. */
  readonly readyWithin: number;
}

/** One Milena process as its operator sees it: the launcher, what it runs, and what they said. */
export class MilenaProcess {
  readonly plan: ProcessPlan;
  #child: ChildProcess | undefined;
  /** Every process ID that was ever seen in the tree, so that orphans can be found. */
  readonly #seen = new Set<number>();

  constructor(plan: ProcessPlan) {
    this.plan = plan;
  }

  /** The launcher's process ID. @throws Error when it is not running. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.plan.name} was not started`);
    return this.#child.pid;
  }

  /** True while the launcher runs. */
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The exit code of the last run; null while it runs or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /**
   * Starts it and waits until it is ready.
   * @param env settings of this start only.
   * @throws Error with the end of its output when it does not get there.
   */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.launch(env);
    await this.ready();
  }

  /** Starts it without waiting. */
  launch(env: Readonly<Record<string, string>> = {}): void {
    if (this.running) throw new Error(`${this.plan.name} runs already`);
    const out = openSync(this.plan.logFile, 'a');
    try {
      this.#child = spawn(process.execPath, [this.plan.launcher ?? LAUNCHER, ...this.plan.args], {
        cwd: ROOT,
        env: { ...cleanEnvironment(), ...this.plan.env, ...env },
        stdio: ['ignore', out, out],
      });
    } finally {
      closeSync(out);
    }
    this.#child.on('error', () => {});
  }

  /** Waits until the ready endpoint says so. */
  async ready(): Promise<void> {
    const url = this.plan.readyUrl;
    const until = performance.now() + this.plan.readyWithin;
    if (url === undefined) return;
    const http = new Http(new URL(url).origin, 1);
    let said = 'it did not answer';
    try {
      while (performance.now() < until) {
        if (!this.running)
          throw new Error(`${this.plan.name} ended before it was ready:\n${this.output(4000)}`);
        const answer = await http.ask('GET', new URL(url).pathname, { timeout: 2000 }).catch(() => undefined);
        if (answer?.status === 200) return;
        said = answer === undefined ? 'it did not answer' : `${answer.status} ${answer.text.slice(0, 300)}`;
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    } finally {
      http.close();
    }
    throw new Error(
      `${this.plan.name} was not ready within ${this.plan.readyWithin} ms (${url}: ${said}):\n${this.output(4000)}`,
    );
  }

  /** The IDs of its live processes, Postgres's among them when it is a child. */
  pids(): readonly number[] {
    if (this.#child?.pid === undefined) return [];
    for (const line of processTree([this.#child.pid, ...this.#seen])) this.#seen.add(line.pid);
    return [...this.#seen].filter(isAlive);
  }

  /** kill -9 of every Node process of it at once; Postgres is left as an orphan, as in a real crash. */
  async kill(): Promise<void> {
    const nodes = processTree(this.pids()).filter((line) => isNodeProcess(line.name));
    for (const { pid } of nodes) signal(pid, 'SIGKILL');
    await this.gone(10_000);
  }

  /** SIGTERM, then waits. @throws Error when it has not stopped after `within` milliseconds (it is killed then). */
  async stop(within = 20_000): Promise<void> {
    if (!this.running) return;
    this.pids();
    signal(this.pid, 'SIGTERM');
    if (await this.gone(within)) return;
    await this.kill();
    throw new Error(`${this.plan.name} did not stop within ${within} ms:\n${this.output(2000)}`);
  }

  /** The end of what it printed. */
  output(characters = 20_000): string {
    try {
      return readFileSync(this.plan.logFile, 'utf8').slice(-characters);
    } catch {
      return '';
    }
  }

  /** Waits until it has printed what matches: lines come after what they tell of. @throws Error when it does not. */
  async says(line: RegExp, within = 30_000): Promise<string> {
    const until = performance.now() + within;
    for (;;) {
      const output = this.output(1_000_000);
      if (line.test(output)) return output;
      if (performance.now() > until) throw new Error(`${line} was not printed:\n${this.output()}`);
      await sleep(50);
    }
  }

  async gone(within: number): Promise<boolean> {
    const child = this.#child;
    if (child === undefined || !this.running) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), within);
    });
    const ended = new Promise<true>((resolve) => child.once('exit', () => resolve(true)));
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Names that the kernel shows for a Node process: the binary's, and Node 24's name of its main thread. */
export function isNodeProcess(name: string): boolean {
  return name === 'node' || name === 'MainThread' || name.startsWith('milena');
}

/** Sends a signal to a process; one that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in the meantime.
  }
}

/** The environment without settings of Milena or of the test runner, which would leak into the process. */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !name.startsWith('MILENA_') && !name.startsWith('NODE_TEST'),
  );
  // `filter` above has dropped the undefined values, which the type of `entries` cannot say.
  return Object.fromEntries(kept) as Record<string, string>;
}
