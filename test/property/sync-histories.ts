import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { runHistory, SHORT } from '../../projections/sync/random-run.fixture.ts';

/**
 * Tries many random histories of syncs, on all cores: `sync-histories.ts COUNT [FIRST]`, each a seed from FIRST
 * (default 1) on. Says the first that fails, with what was wrong, and ends with 1.
 */

/** Histories that a worker tries before it tells how far it is. */
const CHUNK = 50;

interface Task {
  readonly first: number;
  readonly count: number;
  readonly step: number;
}

if (isMainThread) await tryAll(Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1));
else await work(workerData);

async function tryAll(count: number, first: number): Promise<void> {
  const begun = performance.now();
  const workers = Math.min(availableParallelism(), Math.ceil(count / CHUNK));
  const ends = Array.from({ length: workers }, (_, index) => {
    const task: Task = { first: first + index, count: Math.ceil((count - index) / workers), step: workers };
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    return new Promise<string | undefined>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  const failure = await Promise.race([...ends.map(failed), Promise.all(ends).then(() => undefined)]);
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  if (failure === undefined)
    console.log(`${count} passed, 0 failed (random histories of syncs, ${seconds} s)`);
  else console.log(`✖ ${failure}\n0 passed, 1 failed (after ${seconds} s)`);
  process.exit(failure === undefined ? 0 : 1);
}

/** Resolves when a worker has found something wrong, never otherwise. */
function failed(end: Promise<string | undefined>): Promise<string> {
  return new Promise((resolve, reject) => {
    end.then((failure) => failure !== undefined && resolve(failure), reject);
  });
}

async function work({ first, count, step }: Task): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const seed = first + done * step;
    try {
      await runHistory(seed, SHORT);
    } catch (error) {
      parentPort?.postMessage(`history ${seed}: ${error instanceof Error ? error.stack : error}`);
      return;
    }
  }
  parentPort?.postMessage(undefined);
}
