import { loadavg } from 'node:os';
import { calibrate } from './calibration.ts';
import { readMetrics, type Samples } from './metrics.ts';
import type { Outcome, Plan } from './plan.ts';
import { medianBy } from './quantiles.ts';
import { runPlan } from './run-plan.ts';
import type { Target } from './target.ts';
import { type Cpu, cpuBetween, cpuOf } from './usage.ts';

/** One run of a plan: what the generator saw and what the server used meanwhile. */
export interface Run {
  readonly outcome: Outcome;
  readonly cpu: Cpu;
  readonly before: Samples;
  readonly after: Samples;
  /** One-minute load average when it began. */
  readonly load: number;
  /** See `calibrate`. */
  readonly calibration: number;
}

/** Runs a plan (or a fresh one for each run) several times and gives the run of median rate, and all of them. */
export async function measure(
  target: Target,
  plan: Plan | ((run: number) => Plan),
  times: number,
): Promise<{ median: Run; runs: readonly Run[] }> {
  const runs: Run[] = [];
  for (let i = 0; i < times; i++) runs.push(await once(target, typeof plan === 'function' ? plan(i) : plan));
  return { median: medianBy(runs, (run) => run.outcome.count / run.outcome.seconds), runs };
}

async function once(target: Target, plan: Plan): Promise<Run> {
  const load = loadavg()[0] ?? 0;
  const calibration = calibrate();
  const before = await readMetrics(target.metrics);
  let started = cpuOf(target.roots());
  const outcome = await runPlan(
    plan,
    () => {
      started = cpuOf(target.roots());
    },
    plan.seconds * 1000 + 60_000,
  );
  const cpu = cpuBetween(started, cpuOf(target.roots()));
  return { outcome, cpu, before, after: await readMetrics(target.metrics), load, calibration };
}
