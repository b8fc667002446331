import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { diskFigures } from './disk-case.ts';
import { send } from './send-load.ts';

test('bytes on disk are shared among the events that were taken, not those that were planned', () => {
  const outcome = { sent: 50, failures: 2, problems: ['429'] };
  assert.deepEqual(diskFigures(10_000, outcome), {
    figures: { 'bytes/event': 200, events: 50, failures: 2 },
    problems: ['429'],
  });
  const nothing = diskFigures(10_000, { failures: 0, problems: [] });
  assert.deepEqual(nothing.figures, { events: 0, failures: 0 });
  assert.deepEqual(nothing.problems, ['no event was taken']);
});

test('a load says how many of its sends were taken, from its first moment on', async () => {
  let taken = 0;
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      asked += 1;
      const refused = asked % 3 === 0;
      if (!refused) taken += 1;
      response.statusCode = refused ? 429 : 200;
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  try {
    const outcome = await send(
      {
        kind: 'send',
        url: `http://127.0.0.1:${port}`,
        senders: [
          { token: 'a', roomId: '!a:b' },
          { token: 'b', roomId: '!a:b' },
        ],
        characters: 10,
        // The first minute is not counted: nothing of this is.
        seconds: 600,
        atMost: 30,
      },
      () => undefined,
    );
    assert.deepEqual([asked, outcome.count], [30, 0]);
    assert.equal(outcome.sent, taken);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
