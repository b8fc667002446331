import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { specCoverage } from '../support/spec/coverage.ts';
import { neverAnswered } from '../support/spec/never-answered.ts';
import { OperationFinder, operations } from '../support/spec/operations.ts';

const skip = operations().length === 0 && 'the spec folder is not there';

/** What a run is told of that has seen this much. */
function coverageOf(seen: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'milena-never-'));
  try {
    writeFileSync(join(folder, '1'), `${seen.join('\n')}\n`);
    const coverage = specCoverage(folder);
    assert.ok(coverage !== undefined);
    return coverage;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('every status that is never answered is documented, and says why', { skip }, () => {
  assert.ok(neverAnswered().length > 0);
  for (const { why } of neverAnswered()) assert.ok(why.length > 0);
  assert.deepEqual(coverageOf([]).untrue, []);
});

test('a status that is never answered is not missed, and told when it is answered after all', {
  skip,
}, () => {
  const finder = new OperationFinder(operations().filter(({ api }) => api === 'cs'));
  for (const { method, path, status } of neverAnswered()) {
    const id = finder.find(method, path)?.id ?? '';
    const before = coverageOf([`${id} 200`]);
    assert.ok(before.excused > 0 && before.operationsReached === 1, path);
    assert.ok(!before.missed.includes(`${method} ${path} ${status}`));
    assert.deepEqual(coverageOf([`${id} 200`, `${id} ${status}`]).untrue, [`${method} ${path} ${status}`]);
  }
});

test('an operation whose last parameter may be left out is found without it', { skip }, () => {
  const finder = new OperationFinder(operations());
  const ids = ['x', '', undefined].map((key) => {
    const path = `/_matrix/client/v3/rooms/!a/state/m.room.name${key === undefined ? '' : `/${key}`}`;
    return finder.find('GET', path)?.id;
  });
  assert.deepEqual(ids, ['getRoomStateWithKey', 'getRoomStateWithKey', 'getRoomStateWithKey']);
  assert.equal(finder.find('GET', '/_matrix/client/v3/rooms/!a/state')?.id, 'getRoomState');
});
