import { setFlagsFromString } from 'node:v8';

const FLAG = '--heap-growing-percent=';

/** How far the heap may grow beyond what is alive while something is built, percent. */
const ROOMY = 100;

let builds = 0;

/**
 * Lets the heap double before it is collected while `work` runs, in a process that was started with less room
 * (`src/main/launch.js`: a third). A build makes 12 KB of garbage a record and little of it stays, so with a third
 * of a small heap all of it is marked every 2,000 records: a quarter to a third of a build's CPU in Node. V8 reads the
 * flag whenever it sets the next limit; it is put back behind the last build.
 */
export async function withRoomyHeap<T>(
  work: () => Promise<T>,
  flags: readonly string[] = process.execArgv,
  set: (flag: string) => void = setFlagsFromString,
): Promise<T> {
  const tight = flags.findLast((flag) => flag.startsWith(FLAG));
  if (tight === undefined || Number(tight.slice(FLAG.length)) >= ROOMY) return work();
  builds += 1;
  if (builds === 1) set(`${FLAG}${ROOMY}`);
  try {
    return await work();
  } finally {
    builds -= 1;
    if (builds === 0) set(tight);
  }
}
