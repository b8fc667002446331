import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMilenaError } from '../../src/errors/milena-error.ts';
import type { Offset } from '../../src/log/port.ts';
import type { LogRecipe, OpenLog } from './harness.ts';
import { record } from './records.ts';

/** What the process does: appends to one slot's `rooms` without end; or joins the owners and says what it gains. */
export type OwnerTask = { readonly slot: number; readonly prefix: string } | { readonly join: string };

/** An owner in a process of its own. It is killed at the end, whatever became of it. */
export interface OwnerProcess extends AsyncDisposable {
  /** Resolves when so many appends were acknowledged to it. */
  acknowledged(count: number): Promise<void>;
  /** All acknowledgements so far. */
  acknowledgements(): readonly { readonly key: string; readonly offset: Offset }[];
  /** The slots it was told it has. */
  slots(): ReadonlySet<number>;
  signal(signal: NodeJS.Signals): void;
  /** The code of the error that its work ended with. */
  ended(): Promise<string>;
}

type Said =
  | { readonly key: string; readonly offset: Offset }
  | { readonly gained: number }
  | { readonly lost: number }
  | { readonly ended: string };

/** Starts an owner process on a log. */
export async function startOwner(recipe: LogRecipe, task: OwnerTask): Promise<OwnerProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify({ recipe, task })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const acknowledgements: { key: string; offset: Offset }[] = [];
  const slots = new Set<number>();
  const end = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said: Said = JSON.parse(line);
    if ('key' in said) acknowledgements.push(said);
    else if ('gained' in said) slots.add(said.gained);
    else if ('lost' in said) slots.delete(said.lost);
    else end.resolve(said.ended);
  });
  const gone = once(child, 'exit').then(() => end.resolve('the process is gone'));
  return {
    async acknowledged(count) {
      const deadline = performance.now() + 30_000;
      while (acknowledgements.length < count) {
        if (child.exitCode !== null || performance.now() > deadline)
          throw new Error('the owner does not work');
        await sleep(5);
      }
    },
    acknowledgements: () => acknowledgements,
    slots: () => slots,
    signal: (signal) => child.kill(signal),
    ended: () => end.promise,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** The process itself. */
async function main({ recipe, task }: { recipe: LogRecipe; task: OwnerTask }): Promise<void> {
  const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`);
  // It must not outlive the test: its standard input closes with its parent.
  process.stdin.on('end', () => process.exit(1)).resume();
  const { openLog } = (await import(recipe.module)) as { openLog: OpenLog };
  const log = await openLog(recipe.settings);
  if ('join' in task) {
    await log.assignment().join(task.join, {
      gained: async (slot) => void say({ gained: slot }),
      lost: async (slot) => void say({ lost: slot }),
    });
    return;
  }
  const writer = await log.claim(task.slot);
  for (let number = 0; ; number++) {
    const key = `${task.prefix} ${number}`;
    try {
      const [offset] = await writer.append('rooms', [record(key)]);
      say({ key, offset: offset ?? 0 });
    } catch (error) {
      const code = isMilenaError(error) ? error.code : String(error);
      // Its connection may have died in its sleep. Whatever it tries then, with this writer it writes nothing.
      if (code === 'INDEFINITE' || code === 'LOG_UNAVAILABLE') continue;
      say({ ended: code });
      return;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] ?? '{}'));
