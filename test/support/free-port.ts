import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './process-tree.ts';

/**
 * Below the ports that the kernel gives to outgoing connections: between the look and the use, one of those would
 * be taken by the next test that runs beside this one.
 */
const FIRST = 15_000;
const COUNT = 16_000;

/** Who has been given which port: a file each with a process ID. */
const folder = join(tmpdir(), 'milena-test-ports');

/** A TCP port on the loopback address that nobody listens on, and that no other test is given while this one runs. */
export async function freePort(): Promise<number> {
  mkdirSync(folder, { recursive: true });
  for (let tries = 0; tries < 1_000; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (reserved(port) && (await unused(port))) return port;
  }
  throw new Error('no port is free');
}

function reserved(port: number): boolean {
  const file = join(folder, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // Somebody has it; a process that is gone has no use for it.
    const holder = holderOf(file);
    if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
    return false;
  }
}

function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

async function unused(port: number): Promise<boolean> {
  const probe = createServer();
  const free = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return free;
}
