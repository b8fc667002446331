import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const isClone = spawnSync('git', ['-C', root, 'rev-parse', 'HEAD']).status === 0;
const needsHistory = { skip: isClone ? false : 'this is no clone with a commit' };

/** Folders that exist only on someone's machine, and addresses of package registries and their mirrors. */
const machinePath = '(^|[^[:alnum:]_.~/-])/(work|root|Users|home/[a-z]+)/[[:alnum:]]';
const registry =
  'registry\\.(npmjs|yarnpkg)|(artifactory|nexus|verdaccio|jfrog)[a-z0-9.-]*[:/]|https?://[^ ]*/(api/npm|simple|maven2)/';

function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', ['-C', root, ...args], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  // git grep ends with 1 when it finds nothing.
  assert.ok(status === 0 || (status === 1 && args[0] === 'grep'), stderr);
  return stdout;
}

/** Of the lockfiles, only addresses of home pages are left. */
test('no lockfile names an address to fetch a package from', () => {
  const lockfiles = isClone
    ? git('ls-files', '*package-lock.json').split('\n').filter(Boolean)
    : ['package-lock.json'];
  assert.ok(lockfiles.includes('package-lock.json'));
  for (const lockfile of lockfiles) {
    const { packages } = JSON.parse(readFileSync(`${root}${lockfile}`, 'utf8'));
    for (const [name, entry] of Object.entries<Record<string, unknown>>(packages)) {
      const { funding, ...rest } = entry;
      assert.doesNotMatch(JSON.stringify(rest), /https?:/, `${lockfile}: ${name}`);
      // A folder of this repository (a link) is no address.
      assert.ok(rest['resolved'] === undefined || rest['link'] === true, `${lockfile}: ${name}`);
    }
  }
});

test('no commit holds a path of a machine or the address of a package registry', needsHistory, () => {
  const commits = git('rev-list', 'HEAD').split('\n').filter(Boolean);
  // This file names what it looks for.
  const files = ['--', ':!test/checks/no-addresses.test.ts'];
  const found = git('grep', '-nIE', `${machinePath}|${registry}`, ...commits, ...files);
  assert.deepEqual(found.split('\n').slice(0, 20).filter(Boolean), []);
});

test('no commit message holds one either', needsHistory, () => {
  const pattern = new RegExp(`${machinePath}|${registry}`.replaceAll('[:alnum:]', 'A-Za-z0-9'), 'm');
  assert.match('see /home/someone/x', pattern);
  const bad = git('log', '--format=%h %B')
    .split('\n')
    .filter((line) => pattern.test(line));
  assert.deepEqual(bad, []);
});
