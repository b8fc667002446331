import { setTimeout as sleep } from 'node:timers/promises';
import type { Scene } from './scene.ts';

/** What is killed and started again. */
export interface Victim {
  readonly name: string;
  /** kill -9 of all that belongs to it. */
  kill(): Promise<void>;
  /** Starts it on the same data, without waiting. */
  launch(): void;
  /** Waits until it is ready. */
  ready(): Promise<void>;
  /** The end of what it said. */
  output(characters: number): string;
}

/** What one kill did. */
export interface Round {
  readonly victim: string;
  /** Milliseconds from the kill until every writer had an acknowledgement again. */
  readonly recovery: number;
}

/** After this long without progress the deployment counts as not recovering; a busy machine takes its time. */
const RECOVERS_WITHIN = 120_000;

/** One kill in so many is followed by another while the process starts again. */
const IN_ITS_START = 5;

/** Kills one process in the middle of the load, starts it again, and waits until all writers get on. */
export async function killOnce(scene: Scene, victim: Victim): Promise<Round> {
  await sleep(300 + scene.random() * 700);
  const start = performance.now();
  await victim.kill();
  const before = scene.progress();
  victim.launch();
  if (scene.random() < 1 / IN_ITS_START) {
    await sleep(scene.random() * 1_500);
    await victim.kill();
    victim.launch();
  }
  await victim.ready();
  if (!(await scene.progressSince(before, RECOVERS_WITHIN)))
    scene.violations.add(
      `after the kill of ${victim.name} not every writer was served within ${RECOVERS_WITHIN} ms: ` +
        `${scene.progress()}; it said: ${victim.output(1500)}`,
    );
  return { victim: victim.name, recovery: performance.now() - start };
}

/** A summary for people. */
export function summary(rounds: readonly Round[], scene: Scene): string {
  const victims = new Map<string, number[]>();
  for (const { victim, recovery } of rounds) victims.set(victim, [...(victims.get(victim) ?? []), recovery]);
  const lines = [...victims].map(([victim, times]) => {
    const sorted = [...times].sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return `${victim}: ${times.length} kills, served again after ${Math.round(middle)} ms (median), ${Math.round(sorted.at(-1) ?? 0)} ms (most)`;
  });
  return [
    `FAULT_SEED=${scene.seed}`,
    ...lines,
    `${scene.acknowledged.length} events acknowledged, ${scene.retries} retries, ${scene.countsAhead} counts ahead of their events, ${scene.violations.count} violations`,
    `${scene.bustle.done} other doings came to their end, ${scene.bustle.cutOff} were cut off`,
  ].join('\n');
}
