import { type Apart, startApart } from '../support/apart.ts';
import type { MilenaProcess } from '../support/milena-process.ts';
import { killOnce, type Round, summary, type Victim } from './kill-rounds.ts';
import { checkLog, openBeside } from './log-truth.ts';
import { Scene } from './scene.ts';

/** Kills of each process, unless a trial asks for a share of them. */
export const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 20);
/** No round begins after this many seconds; the checks follow all the same. */
const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 600);

/** Starts on a busy machine have taken 46 s. */
const READY_WITHIN = 120_000;

/** Says something to whoever reads the test's output. */
export type Say = (line: string) => void;

/** People over a deployment of roles apart. */
export function setScene(apart: Apart): Promise<Scene> {
  return Scene.set(apart, (args, input) => apart.milena('owner', args, 60_000, input));
}

/** Starts a deployment of processes that tests kill. */
export function startVictims(
  roles: readonly string[],
  log: 'postgres' | 'kafka',
  brokers: readonly string[] = [],
): Promise<Apart> {
  const env: Record<string, string> = brokers.length === 0 ? {} : { MILENA_KAFKA_BROKERS: brokers.join(',') };
  return startApart({ roles, log, env, readyWithin: READY_WITHIN });
}

/**
 * The middle of load: everybody writes and reads while each process is killed so many times, in turn. Then all that must
 * hold is checked, over the API and on the log itself.
 */
export async function killInTurn(apart: Apart, scene: Scene, times: number, say: Say): Promise<void> {
  const done: Round[] = [];
  const victims = [...apart.processes.values()].map(victimOf);
  const rounds = times * victims.length;
  const end = performance.now() + SECONDS * 1000;
  scene.start();
  for (let i = 0; i < rounds && performance.now() < end; i++) {
    const victim = victims[i % victims.length];
    if (victim !== undefined) done.push(await killOnce(scene, victim));
  }
  await scene.stop();
  await scene.check();
  for (const line of summary(done, scene).split('\n')) say(line);
  await checkStanding(apart, scene, say);
  if (done.length < rounds)
    scene.violations.add(`only ${done.length} of ${rounds} rounds fit into ${SECONDS} s (FAULT_SECONDS)`);
}

async function checkStanding(apart: Apart, scene: Scene, say: Say): Promise<void> {
  await using core = await openBeside(apart.env('owner'));
  say(`${await checkLog(core, scene.acknowledged, scene.violations)} events stand on the log, each once`);
}

function victimOf(process: MilenaProcess): Victim {
  return {
    name: process.plan.name,
    kill: () => process.kill(),
    launch: () => process.launch(),
    ready: () => process.ready(),
    output: (characters) => process.output(characters),
  };
}
