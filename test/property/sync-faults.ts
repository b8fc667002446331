import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fault, faults } from './faults.ts';

/**
 * Puts each of the faults of `faults.ts` by itself into a copy of the sync's code, and tries random histories there
 * until one of them finds it. Ends with 1 when a fault is not found, or no longer fits the code.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Histories within which a fault must be found. */
const HISTORIES = 4_000;
/** Milliseconds for one fault. */
const MOST_MS = 240_000;

const copy = mkdtempSync(join(tmpdir(), 'milena-faults-'));
let failed = 0;
try {
  for (const part of ['src', 'projections', 'schemas', 'test/property', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const sound = await tryHistories();
  // Else anything would look like a find.
  if (!sound.includes(`${HISTORIES} passed, 0 failed`)) throw new Error(`the code as it is fails:\n${sound}`);
  for (const fault of faults) failed += (await isFound(fault)) ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${faults.length - failed} passed, ${failed} failed (faults found by random histories of syncs)`);
process.exitCode = failed === 0 ? 0 : 1;

async function isFound({ what, file, code, fault }: Fault): Promise<boolean> {
  const path = join(copy, file);
  const sound = readFileSync(path, 'utf8');
  if (sound.split(code).length !== 2) {
    console.log(`✖ ${what}: ${file} does not have this code just once: ${code}`);
    return false;
  }
  const begun = performance.now();
  writeFileSync(
    path,
    sound.replace(code, () => fault),
  );
  const said = await tryHistories();
  writeFileSync(path, sound);
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  // A copy that does not even start has found nothing.
  const found = said.match(/^✖ (history \d+: .*)$/m)?.[1];
  if (found === undefined)
    console.log(`✖ ${what}: not found in ${HISTORIES} histories\n${said.slice(-2_000)}`);
  else console.log(`✔ ${what} (${seconds} s; ${found})`);
  return found !== undefined;
}

function tryHistories(): Promise<string> {
  const script = join(copy, 'test/property/sync-histories.ts');
  const child = spawn(
    process.execPath,
    [join(copy, 'src/main/launch.js'), '--script', script, `${HISTORIES}`],
    {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MOST_MS,
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(said));
  });
}
