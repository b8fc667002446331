import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Runs `install` into a folder unless what is there was installed from the same files.
 * @param from where the files lie that say what is to be installed (manifests, lockfiles).
 */
export function installed(folder: string, from: string, files: readonly string[], install: () => void): void {
  const wanted = files.map((file) => readFileSync(join(from, file), 'utf8')).join('\n');
  const stamp = join(folder, '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  mkdirSync(folder, { recursive: true });
  install();
  writeFileSync(stamp, wanted);
}

/** Installs the npm package of the folder `from` into another folder by its lockfile, without running scripts. */
export function installedByNpm(folder: string, from: string): void {
  installed(folder, from, ['package.json', 'package-lock.json'], () => {
    for (const file of ['package.json', 'package-lock.json', '.npmrc'])
      cpSync(join(from, file), join(folder, file));
    execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  });
}
