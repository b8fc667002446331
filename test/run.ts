import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { findTests } from './find-tests.ts';
import { specCoverage } from './support/spec/coverage.ts';

/**
 * What `npm test` runs. `npm test -- PATH…` runs the tests of some files or folders only. The last line is
 * `N passed, N failed, N skipped`; before it stands every skipped test with its reason. A test skipped without
 * a reason, or marked as to do, counts as failed, and so
 * does a test file without a test.
 */
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const files = findTests(root, process.argv.slice(2));

interface Skipped {
  readonly name: string;
  readonly file: string;
  readonly reason: string;
}

const counts = { passed: 0, failed: 0 };
const skipped: Skipped[] = [];
const unreasoned: string[] = [];

const specSeen = mkdtempSync(join(tmpdir(), 'milena-spec-'));
process.env['MILENA_SPEC_SEEN'] = specSeen;

// A hung test must not hang the build; the longest, with real brokers and kills, take a few minutes.
const stream = run({ files: [...files], cwd: root, concurrency: availableParallelism(), timeout: 600_000 });
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return;
  const file = relative(root, event.file ?? '');
  if (files.includes(event.name)) unreasoned.push(`${event.name}: there is no test in it`);
  else if (event.todo !== undefined && event.todo !== false) unreasoned.push(`${file}: to do: ${event.name}`);
  else if (event.skip === undefined || event.skip === false) counts.passed += 1;
  else if (typeof event.skip === 'string') skipped.push({ name: event.name, file, reason: event.skip });
  else unreasoned.push(`${file}: skipped without a reason: ${event.name}`);
});
stream.on('test:fail', (event) => {
  // A suite, or a test with subtests, fails with its tests; those are counted.
  const parent = /\d+ subtests? failed$/.test(event.details.error.message);
  if (event.details.type !== 'suite' && !parent) counts.failed += 1;
});

const report = stream.compose(new spec());
report.pipe(process.stdout);
await new Promise((done) => report.on('end', done));

sayCoverage();
for (const line of unreasoned) console.log(`✖ ${line}`);
for (const { name, file, reason } of skipped) console.log(`skipped: ${reason} (${file}: ${name})`);
const failed = counts.failed + unreasoned.length + (files.length === 0 ? 1 : 0);
if (files.length === 0) console.log('✖ no test file was found');
console.log(`${counts.passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/** What of the spec's client-server API the run has reached; every answer was held against it. */
function sayCoverage(): void {
  const coverage = specCoverage(specSeen);
  rmSync(specSeen, { recursive: true, force: true });
  if (coverage === undefined) console.log('the spec folder is not there: no answer was held against it');
  if (coverage === undefined || coverage.operationsReached === 0) return;
  // Of a few files' tests it says nothing what they do not reach.
  if (process.argv.length === 2)
    for (const missed of coverage.missed) console.log(`never reached: ${missed}`);
  for (const name of coverage.untrue) {
    unreasoned.push(`docs/never-answered.md: ${name}: not documented, or a test has reached it`);
  }
  const { operations, operationsReached, statuses, statusesReached, excused } = coverage;
  console.log(
    `the spec: ${operationsReached} of ${operations} operations reached, and ${statusesReached} of the ` +
      `${statuses} statuses documented for them (${excused} more are never answered: docs/never-answered.md)`,
  );
}
