import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../process-tree.ts';

/** A JVM under a small shell that dies with us. */
export interface JavaProcess {
  /** The JVM's own process ID (not the shell's). */
  readonly pid: number;
  /** SIGTERM, or SIGKILL when `force`; resolves when the JVM is gone. */
  end(force: boolean): Promise<void>;
}

/**
 * The shell closes what it inherited beyond its three streams (a JVM would keep a parent's locks held), starts
 * the JVM, says its process ID, and waits on its input: when that closes, by our end or by our death (kill -9
 * included), it kills the JVM.
 */
const script = `
for fd in /proc/self/fd/*; do fd=\${fd##*/}; [ "$fd" -gt 2 ] && eval "exec $fd>&-" 2>/dev/null; done
java "$@" >/dev/null 2>"$KAFKA_STDERR" </dev/null &
echo $!
cat >/dev/null
kill -9 $! 2>/dev/null
`;

/**
 * Starts `java` with these arguments.
 * @param stderr the file that gets what the JVM says on its error stream.
 */
export async function startJava(args: readonly string[], stderr: string): Promise<JavaProcess> {
  // Only bash closes descriptors of two digits by this syntax; dash closes those below 10.
  const shell = existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh';
  const child = spawn(shell, ['-c', script, 'kafka', ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, KAFKA_STDERR: stderr },
    // Out of our terminal's process group: Ctrl-C must not kill the broker before we stop it properly.
    detached: true,
  });
  child.stdin?.on('error', () => {});
  const pid = await saidPid(child);
  child.unref();
  return {
    pid,
    async end(force) {
      if (isAlive(pid)) process.kill(pid, force ? 'SIGKILL' : 'SIGTERM');
      // A stopped JVM (SIGSTOP) gets SIGTERM only when it goes on.
      if (!force && isAlive(pid)) process.kill(pid, 'SIGCONT');
      const deadline = performance.now() + 20_000;
      while (isAlive(pid) && performance.now() < deadline) await sleep(20);
      child.stdin?.end();
    },
  };
}

async function saidPid(child: ChildProcess): Promise<number> {
  const said = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the shell that starts java ended')));
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  child.removeAllListeners('exit');
  return Number.parseInt(said, 10);
}
