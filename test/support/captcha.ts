import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { freePort } from './free-port.ts';

/** Stands in for the service that checks captchas. */
export interface FakeVerifier extends AsyncDisposable {
  readonly url: string;
  /** The forms that it was asked with. */
  readonly asked: readonly URLSearchParams[];
  /** From now on it answers 500. */
  break(): void;
}

/** Starts one that takes the response `solved`, with this secret, and no other. */
export async function startFakeVerifier(secret: string): Promise<FakeVerifier> {
  const asked: URLSearchParams[] = [];
  let isBroken = false;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const form = new URLSearchParams(body);
      asked.push(form);
      const success = form.get('secret') === secret && form.get('response') === 'solved';
      response.writeHead(isBroken ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ success }));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}/verify`,
    asked,
    break: () => {
      isBroken = true;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
