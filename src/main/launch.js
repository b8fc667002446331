#!/usr/bin/env node
/**
 * Starts Milena with a Node that can run it. This file is plain JavaScript without dependencies, because the
 * machine's own Node (20 or newer) runs it; everything else is TypeScript and needs Node 24.
 *
 *     node src/main/launch.js serve …            runs the command line, src/cli/milena.ts
 *     node src/main/launch.js --script FILE …    runs another script of this checkout
 *
 * Where this Node can replace its own process (`process.execve`, Node 22.15 and newer) it does: one process,
 * signals and exit code as they are. Otherwise the new Node is a child: signals are passed on, the exit code is
 * handed back, and a pipe tells the child when this process dies, even by SIGKILL (see parent-watch.js).
 */
import { spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, realpathSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');

/**
 * How the server's heap grows. Left alone, V8 lets new objects take 128 MB and the old ones four times what is
 * alive: 870 MB after a minute of load, 100 of them alive (docs/performance.md).
 */
const HEAP = ['--max-semi-space-size=16', '--heap-growing-percent=30'];

/**
 * Where Node keeps compiled modules, types stripped: the second start takes half the time and 20 MB less. Not the
 * system's temporary folder, where others could put theirs.
 */
const COMPILED = join(root, 'node_modules', '.cache', 'milena');

/** The environment of the new Node. */
function environment() {
  // glibc gives each thread a heap of its own, which never shrinks: two are enough for what threads do here.
  return { NODE_COMPILE_CACHE: COMPILED, MALLOC_ARENA_MAX: '2', ...process.env };
}

/** The oldest Node that has all we use: `crypto.argon2` came with 24.7. */
const NEEDED = [24, 7];

/**
 * True when `version` ("24.21.0") is new enough.
 * @param {string} version
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/**
 * Makes `file` executable if it is not: npm does not always deliver the bit.
 * @param {string} file
 * @returns {boolean} whether it can be executed now
 */
function ensureExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not executable yet.
  }
  try {
    chmodSync(file, 0o755);
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Chooses the Node to run.
 * @param {{ version: string, execPath: string, platform: string, arch: string, root: string }} machine
 * @returns {{ node: string } | { problem: string }}
 */
export function chooseNode(machine) {
  if (isNewEnough(machine.version)) return { node: machine.execPath };
  const name = `node-${machine.platform}-${machine.arch}`;
  const bundled = join(machine.root, 'node_modules', name, 'bin', 'node');
  if (existsSync(bundled)) {
    if (ensureExecutable(bundled)) return { node: bundled };
    return { problem: `${bundled} is not executable.\nMake it so (chmod +x), as the user who owns it.` };
  }
  const bundles = machine.platform === 'linux' && ['x64', 'arm64'].includes(machine.arch);
  const hint = bundles
    ? `The package ${name}, which brings one, is not installed: run "npm ci" in\n${machine.root}\n(without --omit=optional), or install Node 24 from https://nodejs.org.`
    : `npm has no such Node for ${machine.platform} ${machine.arch}: install Node 24 from https://nodejs.org.`;
  return {
    problem: `Milena needs Node ${NEEDED.join('.')} or newer; this is Node ${machine.version}.\n${hint}`,
  };
}

/**
 * The new Node's arguments.
 * @param {readonly string[]} argv what followed launch.js
 * @returns {{ args: string[] } | { problem: string }}
 */
export function childArguments(argv) {
  if (argv[0] !== '--script') return { args: [...HEAP, join(root, 'src', 'cli', 'milena.ts'), ...argv] };
  const [, file, ...rest] = argv;
  if (file === undefined) return { problem: '--script needs the file to run.' };
  const script = resolve(file);
  if (!existsSync(script)) return { problem: `There is no ${script}.` };
  return { args: [script, ...rest] };
}

/**
 * Runs the new Node as a child and ends as it ends.
 * @param {string} node
 * @param {readonly string[]} args
 */
function runAsChild(node, args) {
  // The fourth descriptor is a pipe that nobody writes to: its end is this process's end.
  const watch = pathToFileURL(join(here, 'parent-watch.js')).href;
  const child = spawn(node, ['--import', watch, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...environment(), MILENA_PARENT_FD: '3' },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    // SIGKILL and the like end this process at once; for one that this Node survives, say it as a shell does.
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (osConstants.signals[signal] ?? 0)), 100);
  });
}

/** @param {string} problem */
function fail(problem) {
  process.stderr.write(`milena: ${problem}\n`);
  process.exit(1);
}

function main() {
  const { arch, platform, versions, execPath } = process;
  const choice = chooseNode({ version: versions.node, arch, platform, execPath, root });
  if ('problem' in choice) return fail(choice.problem);
  const child = childArguments(process.argv.slice(2));
  if ('problem' in child) return fail(child.problem);
  if (typeof process.execve !== 'function') return runAsChild(choice.node, child.args);
  process.removeAllListeners('warning'); // execve is marked as experimental; that is nobody's concern here.
  process.execve(choice.node, [choice.node, ...child.args], environment());
}

if (process.argv[1] !== undefined && isThisFile(process.argv[1])) main();

/**
 * npm's bin directory holds a link to this file, so compare by what they point to.
 * @param {string} path
 */
function isThisFile(path) {
  try {
    return realpathSync(path) === realpathSync(fileURLToPath(import.meta.url));
  } catch {
    return false;
  }
}
