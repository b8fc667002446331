import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsDocument, errorsFile } from './errors-document.ts';

test('docs/errors.md is the catalogue', () => {
  assert.equal(readFileSync(errorsFile, 'utf8'), errorsDocument());
});
