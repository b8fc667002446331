import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Who a process is, beyond its number: numbers are used again after a crash or a reboot, and mean something
 * else in another container.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in the kernel's ticks since boot; 0 where the system does not say. */
  readonly startTime: number;
  /** Names the boot and the PID namespace in which `pid` means something. */
  readonly realm: string;
}

/** This process. */
export function identityOfThisProcess(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? 0, realm: realm() };
}

/**
 * Whether the process still runs. `unknown`: it belongs to another container or machine, where we cannot look.
 */
export function stateOf(identity: ProcessIdentity): 'running' | 'gone' | 'unknown' {
  const [boot, namespace] = realm().split(' ');
  const [itsBoot, itsNamespace] = identity.realm.split(' ');
  // Another boot may be another machine that shares the disk, so it is not proof of death.
  if (boot !== itsBoot || namespace !== itsNamespace) return 'unknown';
  if (!isAlive(identity.pid)) return 'gone';
  return startTimeOf(identity.pid) === (identity.startTime || undefined) ? 'running' : 'gone';
}

/** True when a process of that number exists; a zombie is none. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return statFields(pid)?.[0] !== 'Z';
}

/** Field 22 of /proc/PID/stat; undefined without such a process or without /proc. */
function startTimeOf(pid: number): number | undefined {
  const field = statFields(pid)?.[19];
  return field === undefined ? undefined : Number(field);
}

/** The fields of /proc/PID/stat from the third (state) on: the second, a name, may hold blanks and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function realm(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return 'unknown unknown';
  }
}
