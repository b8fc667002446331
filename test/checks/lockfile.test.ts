import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completed, missingFrom, readLockfile } from './lockfile.ts';

for (const path of ['package-lock.json', 'test/clients/package-lock.json']) {
  test(`${path} has an entry for every optional package, so that npm ci takes it anywhere`, () => {
    const lockfile = readLockfile(new URL(`../../${path}`, import.meta.url));
    assert.deepEqual(
      missingFrom(lockfile).map((missing) => missing.path),
      [],
    );
  });
}

test('what npm left out is added for the machine that its name says', () => {
  const tool = {
    version: '1.0.0',
    dev: true,
    optionalDependencies: { '@tool/cli-linux-x64-musl': '1.0.0', '@tool/cli-win32-x64': '1.0.0' },
  };
  const lockfile = {
    packages: { '': {}, 'node_modules/tool': tool, 'node_modules/@tool/cli-win32-x64': { version: '1.0.0' } },
  };
  const { packages } = completed(lockfile);
  assert.deepEqual(packages['node_modules/@tool/cli-linux-x64-musl'], {
    version: '1.0.0',
    cpu: ['x64'],
    dev: true,
    libc: ['musl'],
    optional: true,
    os: ['linux'],
  });
  assert.deepEqual(missingFrom({ packages }), []);
});
