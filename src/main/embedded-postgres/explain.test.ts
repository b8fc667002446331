import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from './explain.ts';

test('Postgres’s last words are led by what is the matter and what to do', () => {
  const cases = [
    [
      'FATAL:  could not write lock file "postmaster.pid": No space left on device',
      /^the disk is full\. Make room/,
    ],
    ['FATAL:  database files are incompatible with server', /^the data is of another Postgres version/],
    ['PANIC:  could not locate a valid checkpoint record at 0/1', /^the data is broken\. Restore/],
    ['FATAL:  data directory "x" has wrong ownership', /^Postgres may not use its folder/],
    ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', /^there is not enough memory/],
    ['FATAL:  lock file "postmaster.pid" already exists', /^another Postgres still runs/],
    ['FATAL:  unrecognized configuration parameter "x" in file', /^local\.conf has a setting/],
    ['initdb: could not look up effective user ID 5: user does not exist', /^this user has no name/],
  ] as const;
  for (const [output, expected] of cases) {
    assert.match(explain(output), expected);
    assert.ok(explain(output).endsWith(output), 'its own words follow');
  }
});

test('unknown words are passed on, the last five lines of them', () => {
  assert.equal(explain('1\n2\n3\n4\n5\n6\n'), '2\n3\n4\n5\n6');
  assert.equal(explain('  \n'), 'it ended without a word');
});
