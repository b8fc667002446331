/**
 * Real clients against a real server: `node src/main/launch.js --script test/clients/run.ts [--log kafka]
 * [--only js-sdk,bot-sdk,browser,nio,token]`. Installs them into `.cache/clients` by the lockfiles beside this file, starts a
 * Milena for each, restarts it where a trial asks for that, and ends with "N passed, N failed".
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installed, installedByNpm } from '../support/installed.ts';
import { startKafka } from '../support/kafka.ts';
import { ROOT } from '../support/milena-process.ts';
import { type Server, type ServerOptions, startServer } from '../support/server.ts';
import { type Say, tokenTrial } from './token-trial.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = join(ROOT, '.cache/clients');
/** A trial that takes longer than this hangs. */
const WITHIN = 180_000;

let passed = 0;
let failed = 0;
let skipped = 0;

function said(trial: string): Say {
  return (name, failure) => {
    if (failure === undefined) passed += 1;
    else failed += 1;
    console.log(
      `${failure === undefined ? 'ok' : 'not ok'} - ${trial}: ${name}${failure === undefined ? '' : `: ${failure}`}`,
    );
  };
}

/** Files of this folder that the trials in Node consist of. */
const NODE_TRIALS = [
  'trial.ts',
  'js-sdk-trial.ts',
  'bot-sdk-trial.ts',
  'browser-trial.ts',
  'browser-page.ts',
];

/** Where Chromium is looked for: `MILENA_CHROMIUM`, else where Debian puts it. */
const CHROMIUM = process.env['MILENA_CHROMIUM'] ?? '/usr/bin/chromium';

function installNodeTrials(): string {
  const folder = join(CACHE, 'js');
  cpSync(join(HERE, 'no-crypto'), join(folder, 'no-crypto'), { recursive: true });
  installedByNpm(folder, HERE);
  for (const file of NODE_TRIALS) cpSync(join(HERE, file), join(folder, file));
  return folder;
}

/** A trial in Node: its file, and what it is given after the server's URL. */
function nodeTrial(name: string, ...args: readonly string[]): (server: Server) => Promise<void> {
  return async (server) => {
    const folder = installNodeTrials();
    const file = join(folder, `${name}-trial.ts`);
    await trialProcess(name, process.execPath, [file], folder, server, args);
  };
}

function installNio(): string {
  const folder = join(CACHE, 'nio');
  installed(folder, HERE, ['requirements.txt'], () => {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      join(HERE, 'requirements.txt'),
    ];
    execFileSync(join(folder, 'bin/python'), pip, { stdio: ['ignore', 'ignore', 'inherit'] });
  });
  return join(folder, 'bin/python');
}

/** Runs a trial's process, restarts the server when it asks, and counts what it says. */
async function trialProcess(
  trial: string,
  command: string,
  args: readonly string[],
  cwd: string,
  server: Server,
  more: readonly string[] = [],
) {
  const say = said(trial);
  const child = spawn(command, [...args, server.url, ...more], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), WITHIN);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let told = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [, outcome, name, failure] = /^(pass|fail) ([^:]*)(?:: (.*))?$/.exec(line) ?? [];
    if (line === 'restart') {
      await server.restart();
      child.stdin.write('restarted\n');
    } else if (outcome !== undefined) {
      told += 1;
      say(name ?? '', outcome === 'pass' ? undefined : (failure ?? 'no reason given'));
    }
  }
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0 || told === 0)
    say('runs to its end', `exit ${code} after ${told} steps\n${server.stderr().slice(-2000)}`);
}

/** Some clients in use know no room version after 11: these trials run once more in rooms of that version. */
const IN_VERSION_11: readonly string[] = ['js-sdk', 'nio'];

/** The trials by name. Each has a server of its own. */
const trials: Readonly<Record<string, (server: Server) => Promise<void>>> = {
  'js-sdk': nodeTrial('js-sdk'),
  'bot-sdk': nodeTrial('bot-sdk'),
  browser: nodeTrial('browser', CHROMIUM),
  nio: (server) => trialProcess('nio', installNio(), [join(HERE, 'nio_trial.py')], HERE, server),
  token: (server) =>
    tokenTrial(
      () => server.url,
      () => server.restart(),
      said('token'),
    ),
};

async function runTrial(name: string, options: ServerOptions): Promise<void> {
  const trial = trials[name];
  if (trial === undefined) throw new Error(`no trial ${name}`);
  if (name === 'browser' && !existsSync(CHROMIUM)) {
    skipped += 1;
    console.log(`skipped: browser: there is no ${CHROMIUM} (MILENA_CHROMIUM names another)`);
    return;
  }
  await using server = await startServer(options);
  await trial(server).catch((error: unknown) => said(name)('runs to its end', String(error)));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      log: { type: 'string', default: 'postgres' },
      only: { type: 'string', default: Object.keys(trials).join(',') },
    },
  });
  if (values.log !== 'postgres' && values.log !== 'kafka') throw new Error('--log postgres or --log kafka');
  const kafka = values.log === 'kafka' ? await startKafka() : undefined;
  const env: Record<string, string> =
    kafka === undefined ? {} : { MILENA_KAFKA_BROKERS: kafka.brokers.join(',') };
  try {
    for (const name of values.only.split(',')) {
      await runTrial(name, { log: values.log, env });
      if (IN_VERSION_11.includes(name))
        await runTrial(name, { log: values.log, env: { ...env, MILENA_DEFAULT_ROOM_VERSION: '11' } });
    }
  } finally {
    await kafka?.stop();
  }
}

await main();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
