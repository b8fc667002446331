import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/** A TCP proxy on the loopback that loses a chosen request or its reply and cuts that connection. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** The first request that contains `marker` is forwarded; its reply is swallowed, then the connection cut. */
  loseReplyTo(marker: string): Promise<void>;
  /** The first request that contains `marker` is swallowed and the connection cut. */
  loseRequest(marker: string): Promise<void>;
  /** Cuts all connections there are now. New ones are accepted. */
  cutAll(): void;
  /** Holds back everything in both directions, as a network that swallows packets does. */
  pause(): void;
  /** New connections pass again; those that there were stay silent. */
  resumeForNew(): void;
}

interface Trap {
  readonly marker: string;
  readonly forward: boolean;
  readonly sprung: () => void;
}

/**
 * Starts a proxy in front of a server.
 * @param target where the server listens.
 * @param rewrite changes what the server says, for protocols that tell clients where else to connect.
 */
export async function startCuttingProxy(
  target: { readonly host?: string; readonly port: number },
  rewrite?: (reply: Buffer) => Buffer,
): Promise<CuttingProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const traps: Trap[] = [];
  let paused = false;
  const server = createServer((client) => {
    const upstream = createConnection({ host: target.host ?? '127.0.0.1', port: target.port });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    if (paused) for (const socket of pair) socket.pause();
    carry(pair, traps, rewrite);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const set = (marker: string, forward: boolean) =>
    new Promise<void>((sprung) => traps.push({ marker, forward, sprung }));
  return {
    port: address.port,
    loseReplyTo: (marker) => set(marker, true),
    loseRequest: (marker) => set(marker, false),
    cutAll,
    pause() {
      paused = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    resumeForNew() {
      paused = false;
    },
    async [Symbol.asyncDispose]() {
      cutAll();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Carries both directions of one connection, until a trap springs. */
function carry(
  [client, upstream]: readonly [Socket, Socket],
  traps: Trap[],
  rewrite: ((reply: Buffer) => Buffer) | undefined,
): void {
  let losing: Trap | undefined;
  // A marker may lie across two chunks: the tail of what went before is searched with the next.
  let tail = Buffer.alloc(0);
  client.on('data', (chunk: Buffer) => {
    const seen = Buffer.concat([tail, chunk]);
    tail = seen.subarray(-256);
    const index = losing === undefined ? traps.findIndex((trap) => seen.includes(trap.marker)) : -1;
    if (index >= 0) losing = traps.splice(index, 1)[0];
    if (losing?.forward === false) {
      client.destroy();
      losing.sprung();
    } else {
      upstream.write(chunk);
    }
  });
  upstream.on('data', (chunk: Buffer) => {
    if (losing === undefined) {
      client.write(rewrite === undefined ? chunk : rewrite(chunk));
    } else {
      client.destroy();
      losing.sprung();
    }
  });
}
