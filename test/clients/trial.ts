/** What the trials in Node share: each runs as a process of its own that says what passed and what failed. */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** The server's URL, the first argument. */
export const baseUrl = process.argv[2] ?? '';
/** Makes names of this run that no other has. */
export const stem = `${process.pid}-${Date.now().toString(36)}`;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Runs one step and says `pass NAME` or `fail NAME: REASON`. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    console.log(`pass ${name}`);
    return result;
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error);
    console.log(`fail ${name}: ${reason.replaceAll('\n', ' ').slice(0, 500)}`);
    throw error;
  }
}

/** Waits until `holds` gives something. */
export async function until<T>(
  what: string,
  holds: () => T | undefined | false | null,
  within = 20_000,
): Promise<T> {
  const end = performance.now() + within;
  while (performance.now() < end) {
    const seen = holds();
    if (seen !== undefined && seen !== false && seen !== null) return seen;
    await sleep(20);
  }
  throw new Error(`${what}: not within ${within} ms`);
}

/** Fails unless both are the same as JSON. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`);
}

/** Asks for a restart of the server and waits until it is back. */
export async function restartServer(): Promise<void> {
  console.log('restart');
  await lines.next();
}

/** Runs a trial and ends the process. */
export async function trial(main: () => Promise<void>): Promise<never> {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
