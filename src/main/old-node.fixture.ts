import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * A Node on this machine that is too old for Milena and that the launcher therefore has to leave, or undefined.
 * npm puts `node_modules/.bin` first on the path, where a new one stands, so all of the path is searched.
 */
export function oldNode(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin'];
  return folders
    .filter((folder) => folder !== '' && !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find((node) => existsSync(node) && /^v2[0-3]\./.test(spawnSync(node, ['--version']).stdout.toString()));
}
