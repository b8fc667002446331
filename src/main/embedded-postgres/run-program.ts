import { spawn } from 'node:child_process';
import type { Account } from './account.ts';

/** How a program ended. */
export interface Ended {
  /** The exit code; -1 after a signal, or when it could not be started. */
  readonly code: number;
  /** Standard output and error, mixed, or why it could not be started. */
  readonly output: string;
}

/** Runs a program to its end. It never throws: what went wrong stands in the output. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly account: Account | undefined; readonly cwd: string; readonly input?: string },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...options.account,
      cwd: options.cwd,
      env: postgresEnv(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, output }));
    child.stdin.on('error', () => undefined); // It may end without having read everything.
    child.stdin.end(options.input ?? '');
  });
}

/** A small, fixed environment: messages in English, and no setting of the caller's (PGDATA, PGPORT) strays in. */
export function postgresEnv(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', LANG: 'C', TZ: 'UTC' };
}
