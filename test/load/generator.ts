import { ask } from './ask-load.ts';
import { change } from './change-load.ts';
import { deliver } from './deliver-load.ts';
import { page } from './page-load.ts';
import type { FromGenerator, Outcome, Plan } from './plan.ts';
import { send } from './send-load.ts';
import { sleepers } from './sleepers-load.ts';

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
  switch (plan.kind) {
    case 'send':
      return send(plan, counting);
    case 'deliver':
      return deliver(plan, counting);
    case 'ask':
      return ask(plan, counting);
    case 'page':
      return page(plan, counting);
    case 'sleepers':
      return sleepers(plan, counting);
    case 'change':
      return change(plan, counting);
  }
}

function tell(message: FromGenerator): void {
  process.send?.(message);
}
