import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { askPassword, edit } from './ask-password.ts';

const silent = { write: () => true };

test('from a pipe the password is the first line, whole or in pieces', async () => {
  assert.equal(
    await askPassword('Password', Readable.from(['pass', 'word one\nmore\n']), silent),
    'password one',
  );
  assert.equal(await askPassword('Password', Readable.from(['no newline']), silent), 'no newline');
  assert.equal(await askPassword('Password', Readable.from(['dos line\r\n']), silent), 'dos line');
  const umlaut = Buffer.from('pä\n');
  const pieces = [umlaut.subarray(0, 2), umlaut.subarray(2)];
  assert.equal(await askPassword('Password', Readable.from(pieces), silent), 'pä');
});

test('no password is an error', async () => {
  await assert.rejects(askPassword('Password', Readable.from(['\n']), silent), /no password/);
  await assert.rejects(askPassword('Password', Readable.from([]), silent), /no password/);
});

test('the line can be mended as it is typed, and cancelled', () => {
  assert.deepEqual(edit('', 'abc'), { line: 'abc' });
  assert.deepEqual(edit('abc', '\u007fd\r'), { line: 'abd', end: 'enter' });
  assert.deepEqual(edit('ab🐟', '\b'), { line: 'ab' });
  assert.deepEqual(edit('abc', '\u0015x\n'), { line: 'x', end: 'enter' });
  assert.deepEqual(edit('abc', '\u0003'), { line: 'abc', end: 'cancel' });
  assert.deepEqual(edit('', '\u001b'), { line: '' });
});
