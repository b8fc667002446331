import { readdirSync, readFileSync } from 'node:fs';

/** One line of the process table (Linux `/proc/<pid>/stat`). */
export interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  /** The command's short name, as the kernel cuts it (15 bytes). */
  readonly name: string;
  /** User and system time of the process and of the children that it has reaped, in clock ticks. */
  readonly ticks: number;
}

/** Clock ticks in a second: `USER_HZ`, 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** The process with this ID, or undefined when it is gone (or is a zombie: it holds nothing any more). */
export function processLine(pid: number): ProcessLine | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name stands in parentheses and may hold spaces and parentheses itself: the last one closes it.
  const close = text.lastIndexOf(')');
  const name = text.slice(text.indexOf('(') + 1, close);
  const fields = text.slice(close + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Fields 14 to 17 of proc(5): utime, stime, cutime, cstime; `fields` starts at field 3.
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return { pid, parent: Number(fields[1]), name, ticks };
}

/** Every process that is alive now. */
export function allProcesses(): readonly ProcessLine[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => processLine(Number(entry)))
    .filter((line) => line !== undefined);
}

/** The processes with these IDs and everything below them that is alive. */
export function processTree(roots: readonly number[]): readonly ProcessLine[] {
  const all = allProcesses();
  const found = new Set(roots);
  for (let grown = true; grown; ) {
    grown = false;
    for (const line of all) {
      if (found.has(line.pid) || !found.has(line.parent)) continue;
      found.add(line.pid);
      grown = true;
    }
  }
  return all.filter((line) => found.has(line.pid));
}

/** True while a process with this ID runs. */
export function isAlive(pid: number): boolean {
  return processLine(pid) !== undefined;
}

/** Proportional set size in bytes: private pages plus the process's share of shared ones. 0 when it is gone. */
export function proportionalSetSize(pid: number): number {
  try {
    const line = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
    return line === null ? 0 : Number(line[1]) * 1024;
  } catch {
    return 0;
  }
}
