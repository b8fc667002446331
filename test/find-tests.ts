import { globSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';

/**
 * Where the tests lie that `npm test` runs: those that need nothing but Node. Clients, faults and load have
 * needs of their own, and parts of their own in `.ci/run`.
 */
const ordinary = ['src', 'projections', 'test/contract', 'test/integration', 'test/checks', 'test/support'];

/**
 * The test files to run, relative to `root`, in alphabetical order.
 * @param wanted files and folders; all the ordinary ones if empty.
 */
export function findTests(root: string, wanted: readonly string[]): readonly string[] {
  const paths = wanted.length === 0 ? ordinary : wanted;
  const files = paths.flatMap((path) => {
    const full = resolve(root, path);
    const found = statSync(full, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return found.isFile()
      ? [full]
      : globSync('**/*.test.ts', { cwd: full }).map((name) => resolve(full, name));
  });
  const names = files.map((file) => relative(root, file)).filter((name) => !name.includes('node_modules'));
  return [...new Set(names)].sort();
}
