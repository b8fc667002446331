import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MilenaError } from '../errors/milena-error.ts';
import { createLogger } from './logger.ts';

function lineOf(log: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  log(createLogger('debug', { write: (line) => lines.push(line) }));
  return lines.join('');
}

test('tokens, passwords and content never reach the log, however deep they stand', () => {
  const line = lineOf((logger) =>
    logger.info(
      {
        reqId: 'r1',
        access_token: 'S3CRET',
        req: { headers: { authorization: 'Bearer S3CRET', Cookie: 'S3CRET' }, body: { body: 'S3CRET' } },
        list: [{ new_password: 'S3CRET' }],
        registration_shared_secret: 'S3CRET',
        event: { type: 'm.room.message', content: { body: 'S3CRET' } },
        url: '/_matrix/client/v3/sync?access_token=S3CRET&since=1',
        a: { b: { c: { d: { e: { f: 'S3CRET' } } } } },
      },
      'GET /sync?access_token=kept-out-of-messages-by-the-callers',
    ),
  );
  assert.doesNotMatch(line, /S3CRET/);
  assert.match(line, /"reqId":"r1"/);
  assert.match(line, /m\.room\.message/);
  assert.match(line, /since=1/);
});

test('an error is logged with its code, facts for the log and cause, without what a database says of a row', () => {
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (body)=(S3CRET)',
    where: 'S3CRET',
  });
  const error = new MilenaError('UNAVAILABLE', undefined, {
    cause,
    log: { slot: 3 },
    expose: { hidden: 'S3CRET' },
  });
  const logged: unknown = JSON.parse(lineOf((logger) => logger.error({ err: error }, 'failed')));
  assert.ok(typeof logged === 'object' && logged !== null && 'err' in logged);
  const { stack, ...rest } = logged.err as Record<string, unknown>; // Checked just above to be there.
  assert.match(String(stack), /MilenaError/);
  assert.deepEqual(
    { ...rest, cause: undefined },
    {
      type: 'MilenaError',
      message: 'A part of the server cannot answer now; try again.',
      code: 'UNAVAILABLE',
      facts: { slot: 3 },
      cause: undefined,
    },
  );
  assert.match(JSON.stringify(rest), /23505/);
  assert.doesNotMatch(JSON.stringify(logged), /S3CRET/);
});

test('each line is one JSON object with its level as a word and the time in ISO 8601', () => {
  const parsed: unknown = JSON.parse(lineOf((logger) => logger.child({ reqId: 'x' }).warn('careful')));
  assert.partialDeepStrictEqual(parsed, { level: 'warn', msg: 'careful', reqId: 'x' });
  assert.match(JSON.stringify(parsed), /"time":"\d{4}-\d\d-\d\dT/);
});
