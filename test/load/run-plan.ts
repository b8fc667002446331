import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGenerator, Outcome, Plan } from './plan.ts';

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url));

/**
 * Runs a plan in the generator's process. `counting` is called when its counted part begins; an exact moment is
 * not needed, for the plans are seconds long. Rejects when the generator fails or takes `within` milliseconds.
 */
export async function runPlan(plan: Plan, counting: () => void, within: number): Promise<Outcome> {
  const child = fork(GENERATOR, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), within);
  try {
    return await outcomeOf(child, plan, counting);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

function outcomeOf(child: ChildProcess, plan: Plan, counting: () => void): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromGenerator) => {
      if (message.kind === 'counting') counting();
      else resolve(message.outcome);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the generator ended: ${code ?? signal}`)));
    child.send(plan);
  });
}
