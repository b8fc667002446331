import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { CommandFailed } from './house.ts';
import { RemoteHouse } from './remote-house.ts';

/** A listener that answers as told, and what it was asked. */
async function listener(answer: (path: string, body: string, response: ServerResponse) => void) {
  const asked: { path: string; authorization: string | undefined; body: string }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const path = `${request.method} ${request.url}`;
      asked.push({ path, authorization: request.headers.authorization, body });
      answer(path, body, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The cast: a listening TCP server's address is never a pipe's name.
  const { port } = server.address() as AddressInfo;
  return {
    house: new RemoteHouse(`http://127.0.0.1:${port}/`, 'the-secret'),
    asked,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test('a command is a POST with the internal secret', async () => {
  await using server = await listener((_, __, response) => response.end('{"userId":"@a:x"}'));
  const result = await server.house.userAdd({ user: 'a', password: 'p', admin: false });
  assert.deepEqual(result, { userId: '@a:x' });
  assert.deepEqual(server.asked, [
    {
      path: 'POST /_milena/internal/v1/users/add',
      authorization: 'Bearer the-secret',
      body: '{"user":"a","password":"p","admin":false}',
    },
  ]);
});

test('a refusal becomes the server’s words, no answer names the address', async () => {
  await using server = await listener((_, __, response) => {
    response.statusCode = 400;
    response.end('{"errcode":"M_USER_IN_USE","error":"The user ID is taken."}');
  });
  await assert.rejects(
    server.house.userDeactivate({ user: 'a' }),
    (error) => error instanceof CommandFailed && error.message === 'The user ID is taken.',
  );
  await assert.rejects(new RemoteHouse('http://127.0.0.1:1', 's').status(), /127\.0\.0\.1:1 does not answer/);
});

test('progress comes line by line, and an error in it ends the command', async () => {
  await using server = await listener((_, __, response) => {
    response.write('{"phase":"building","records":1,"of":3}\n{"phase":"buil');
    setTimeout(() => response.end('ding","records":3,"of":3}\n{"error":"the counts differ"}\n'), 10);
  });
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const progress of server.house.rebuild('sync')) seen.push(progress.records);
  }, /the counts differ/);
  assert.deepEqual(seen, [1, 3]);
});

test('an export streams out, an import streams in', async () => {
  await using server = await listener((path, body, response) => {
    response.end(
      path.endsWith('/log/export') ? 'line 1\nline 2\n' : JSON.stringify({ records: body.length }),
    );
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of server.house.exportLog()) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'line 1\nline 2\n');
  async function* source() {
    yield Buffer.from('abc');
    yield Buffer.from('def');
  }
  assert.deepEqual(await server.house.importLog(source()), { records: 6 });
});
