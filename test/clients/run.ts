/**
 * Real clients against a real server: `node src/main/launch.js --script test/clients/run.ts [--log kafka]
 * [--only js-sdk,nio,token]`. Installs them into `.cache/clients` by the lockfiles beside this file, starts a
 * Milena for each, restarts it where a trial asks for that, and ends with "N passed, N failed".
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installed, installedByNpm } from '../support/installed.ts';
import { startKafka } from '../support/kafka.ts';
import { ROOT } from '../support/milena-process.ts';
import { type Server, startServer } from '../support/server.ts';
import { type Say, tokenTrial } from './token-trial.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = join(ROOT, '.cache/clients');
/** A trial that takes longer than this hangs. */
const WITHIN = 180_000;

let passed = 0;
let failed = 0;

function said(trial: string): Say {
  return (name, failure) => {
    if (failure === undefined) passed += 1;
    else failed += 1;
    console.log(
      `${failure === undefined ? 'ok' : 'not ok'} - ${trial}: ${name}${failure === undefined ? '' : `: ${failure}`}`,
    );
  };
}

function installJsSdk(): string {
  const folder = join(CACHE, 'js');
  installedByNpm(folder, HERE);
  cpSync(join(HERE, 'js-sdk-trial.ts'), join(folder, 'js-sdk-trial.ts'));
  return folder;
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
) {
  const say = said(trial);
  const child = spawn(command, [...args, server.url], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
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

/** The trials by name. Each has a server of its own. */
const trials: Readonly<Record<string, (server: Server) => Promise<void>>> = {
  'js-sdk': async (server) => {
    const folder = installJsSdk();
    await trialProcess('js-sdk', process.execPath, [join(folder, 'js-sdk-trial.ts')], folder, server);
  },
  nio: (server) => trialProcess('nio', installNio(), [join(HERE, 'nio_trial.py')], HERE, server),
  token: (server) =>
    tokenTrial(
      () => server.url,
      () => server.restart(),
      said('token'),
    ),
};

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
      const trial = trials[name];
      if (trial === undefined) throw new Error(`no trial ${name}`);
      await using server = await startServer({ log: values.log, env });
      await trial(server).catch((error: unknown) => said(name)('runs to its end', String(error)));
    }
  } finally {
    await kafka?.stop();
  }
}

await main();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
