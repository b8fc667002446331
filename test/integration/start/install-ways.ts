/**
 * Tries what a stranger does, three ways, in a copy of this checkout: after `npm ci --ignore-scripts`, as root from
 * a checkout under a home of mode 0700, and as an ordinary user. Each way starts the server, waits until it is
 * ready, stops it, and starts it again on the same data, under a Node that is too old for it; where there is none,
 * under this one, and that the launcher leaves an old one is told as skipped. `node src/main/launch.js --script
 * test/integration/start/install-ways.ts`; the last line is "N passed, N failed, N skipped".
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { oldNode } from '../../../src/main/old-node.fixture.ts';
import { freePort } from '../../support/free-port.ts';
import { ROOT } from '../../support/milena-process.ts';

/** Who starts the server. */
interface Who {
  readonly uid?: number;
  readonly gid?: number;
}

/** The user "nobody", who has a name and no rights, stands for any ordinary user. */
const nobody: Who = { uid: 65_534, gid: 65_534 };
const isRoot = process.geteuid?.() === 0;
const counts = { passed: 0, failed: 0, skipped: 0 };

const old = oldNode();
const under = old === undefined ? `under ${process.version}` : 'under an old Node';
const base = mkdtempSync(join(tmpdir(), 'milena-ways-'));
// Only the home itself is closed; everybody may walk to it.
chmodSync(base, 0o755);
const home = join(base, 'home');
mkdirSync(home, { mode: 0o700 });
const checkout = join(home, 'milena');

try {
  const installed = await way('npm ci --ignore-scripts installs', async () => install());
  if (!installed) {
    skip('as root, and as an ordinary user', 'there is nothing installed to start');
  } else if (isRoot) {
    await way(`as root, from a checkout under a home of mode 0700, ${under}`, () => startTwice({}));
    execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, home]);
    rmSync(join(checkout, 'data'), { recursive: true, force: true });
    await way(`as an ordinary user, ${under}`, () => startTwice(nobody));
  } else {
    skip('as root, from a checkout under a home of mode 0700', 'this is not root');
    await way(`as an ordinary user, ${under}`, () => startTwice({}));
  }
  if (old === undefined) {
    skip(
      `under an old Node: what passed ran under ${process.version}`,
      'no Node 20 to 23 is on this machine',
    );
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;

async function way(name: string, attempt: () => Promise<void>): Promise<boolean> {
  const begun = performance.now();
  try {
    await attempt();
    counts.passed += 1;
    console.log(`✔ ${name} (${Math.round(performance.now() - begun)} ms)`);
    return true;
  } catch (error) {
    counts.failed += 1;
    console.log(`✖ ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

function skip(name: string, reason: string): void {
  counts.skipped += 1;
  console.log(`skipped: ${reason} (${name})`);
}

/** The files that git knows or would know: what a clone of the next commit has. */
async function install(): Promise<void> {
  const listed = execFileSync('git', ['-C', ROOT, 'ls-files', '-z', '-co', '--exclude-standard'], {
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter(Boolean)) {
    if (statSync(join(ROOT, file), { throwIfNoEntry: false }) === undefined) continue;
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(ROOT, file), join(checkout, file));
  }
  const args = ['ci', '--ignore-scripts', '--omit=dev', '--prefer-offline', '--no-progress'];
  const { status, stderr } = spawnSync('npm', args, { cwd: checkout, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ci failed:\n${stderr}`);
}

/** Starts, is ready, stops with code 0; and once more, on the same data, in seconds. */
async function startTwice(who: Who): Promise<void> {
  for (const within of [60_000, 10_000]) {
    const port = await freePort();
    const started = start(who, port);
    try {
      await ready(started, `http://127.0.0.1:${port}/_milena/ready`, within);
      started.child.kill('SIGTERM');
      const [code] = await once(started.child, 'exit');
      if (code !== 0) throw new Error(`it ended with code ${code}:\n${started.output()}`);
    } finally {
      started.child.kill('SIGKILL');
    }
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/** As `npm start` would under the machine's own Node, an old one if there is any. */
function start(who: Who, port: number): Started {
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    MILENA_PORT: String(port),
    MILENA_LOG_LEVEL: 'warn',
  };
  const child = spawn(old ?? process.execPath, ['src/main/launch.js', 'serve'], {
    ...who,
    cwd: checkout,
    env,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-5000);
    });
  }
  return { child, output: () => output };
}

async function ready(started: Started, url: string, within: number): Promise<void> {
  const until = performance.now() + within;
  while (performance.now() < until) {
    if (started.child.exitCode !== null) throw new Error(`it ended at once:\n${started.output()}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`it was not ready within ${within} ms:\n${started.output()}`);
}
