import { spawn } from 'node:child_process';
import type { Account } from './account.ts';

/** Stops Postgres when this process dies without having done so, even by SIGKILL. */
export interface Guard {
  /** Postgres has ended: nothing is left to guard. */
  dismiss(): void;
}

/**
 * Sets a guard: a shell (1 MB) that waits on a pipe from this process. The pipe's end without a word means that
 * this process is gone, and then the guard asks Postgres to stop.
 */
export function guard(pid: number, account: Account | undefined): Guard {
  // In a session of its own, so that Ctrl-C in the terminal does not end the guard first.
  const shell = spawn('/bin/sh', ['-c', 'read -r word || kill -INT "$0"', String(pid)], {
    ...account,
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined); // Without a shell the next start clears up.
  shell.stdin.on('error', () => undefined);
  shell.unref();
  return { dismiss: () => shell.stdin.end('done\n') };
}
