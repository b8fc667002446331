/** Signals that follow each other so closely mean the same, milliseconds. */
const SAME_WISH_MS = 1_000;

/** Waits for the end. */
export interface StopSignal {
  /** Resolves with the first SIGTERM or SIGINT. A second one ends the process at once. */
  readonly signal: Promise<NodeJS.Signals>;
  /** Ends the process if it is still there after so many milliseconds. */
  killAfter(ms: number): void;
}

/** Listens for SIGTERM and SIGINT from now on. */
export function untilStopped(): StopSignal {
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    let asked: number | undefined;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        // Ctrl-C comes twice, from the terminal and from whoever started this process: that is one wish.
        if (asked !== undefined && performance.now() - asked > SAME_WISH_MS) process.exit(130);
        asked ??= performance.now();
        resolve(name);
      });
    }
  });
  return {
    signal,
    killAfter(ms) {
      setTimeout(() => process.exit(1), ms).unref();
    },
  };
}
