import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import { testHouse } from './house.fixture.ts';

/** What a server writes to somebody who sends these bytes. */
async function answerTo(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

describe('what is no HTTP', () => {
  it('gets an error in the form of the spec, and the connection is closed', async () => {
    const house = await testHouse();
    await house.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = house.app.server.address() as AddressInfo; // A TCP server has one.
    assert.match(await answerTo(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*"errcode":"M_UNKNOWN"/s);
    const large = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`;
    assert.match(await answerTo(port, large), /^HTTP\/1\.1 431 /);
    await house.app.close();
  });
});
