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
    let asked = false;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (asked) process.exit(130);
        asked = true;
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
