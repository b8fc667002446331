import { deliver } from './deliver-load.ts';
import type { FromGenerator, Outcome, Plan } from './plan.ts';
import { send } from './send-load.ts';

/**
 * The load generator: a process of its own, so that its event loop and the server's do not share one. It is
 * forked by `run-plan.ts`, gets one plan at a time and answers with what it saw.
 */
process.on('message', (plan: Plan) => {
  run(plan).then(
    (outcome) => tell({ kind: 'done', outcome }),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});

function run(plan: Plan): Promise<Outcome> {
  const counting = (): void => tell({ kind: 'counting' });
  return plan.kind === 'send' ? send(plan, counting) : deliver(plan, counting);
}

function tell(message: FromGenerator): void {
  process.send?.(message);
}
