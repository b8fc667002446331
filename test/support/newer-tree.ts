import assert from 'node:assert/strict';
import { cpSync, globSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './milena-process.ts';

/**
 * Makes a tree of newer software: this one, with a new version of every read model. @returns its launcher.
 * @param folder an empty one, that whoever runs the servers may read.
 */
export function newerTree(folder: string): string {
  for (const part of ['src', 'projections', 'schemas', 'package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const models = globSync('projections/*/model.ts', { cwd: folder });
  for (const file of models.filter((name) => !name.includes('framework'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    const newer = text.replace(
      /^ {2}version: (\d+),$/m,
      (_, version) => `  version: ${Number(version) + 1},`,
    );
    assert.notEqual(newer, text, `${file} has no version`);
    writeFileSync(join(folder, file), newer);
  }
  return join(folder, 'src/main/launch.js');
}
