import { isMilenaError } from '../errors/milena-error.ts';
import { parseCommand, UsageError } from './arguments.ts';
import { CommandFailed } from './house.ts';
import { runCommand } from './run-command.ts';

/** The command line: `node src/main/launch.js …` runs this file under the right Node. */
async function main(): Promise<number> {
  try {
    return await runCommand(parseCommand(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`${textOf(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Our own errors are for people and need no stack; any other is a fault of ours. */
function textOf(error: unknown): string {
  if (error instanceof UsageError) return `milena: ${error.message} (see milena --help)`;
  if (isMilenaError(error) || error instanceof CommandFailed) return `milena: ${error.message}`;
  return error instanceof Error ? `milena: ${error.stack}` : `milena: ${String(error)}`;
}

process.exitCode = await main();
// By now everything is closed. Should something be left that keeps Node waiting, it must not keep whoever waits
// for the command: a start that failed has to end, so that it can be tried again.
setTimeout(() => process.exit(), 2000).unref();
