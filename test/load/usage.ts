import { isNodeProcess } from '../support/milena-process.ts';
import { processTree, proportionalSetSize, TICKS_PER_SECOND } from '../support/process-tree.ts';

/** CPU seconds that a server's processes have used, by what they are. */
export interface Cpu {
  readonly node: number;
  readonly postgres: number;
  /** Kafka's broker. */
  readonly java: number;
}

/** What the processes below `roots` have used so far, those that ended and were reaped included. */
export function cpuOf(roots: readonly number[]): Cpu {
  const cpu = { node: 0, postgres: 0, java: 0 };
  for (const line of processTree(roots)) {
    const kind = isNodeProcess(line.name) ? 'node' : line.name.startsWith('postgres') ? 'postgres' : 'java';
    cpu[kind] += line.ticks / TICKS_PER_SECOND;
  }
  return cpu;
}

/** The difference of two readings. */
export function cpuBetween(before: Cpu, after: Cpu): Cpu {
  return {
    node: after.node - before.node,
    postgres: after.postgres - before.postgres,
    java: after.java - before.java,
  };
}

/** Proportional set size of all Node processes below `roots`, in bytes. */
export function nodeMemory(roots: readonly number[]): number {
  return processTree(roots)
    .filter((line) => isNodeProcess(line.name))
    .reduce((sum, line) => sum + proportionalSetSize(line.pid), 0);
}
