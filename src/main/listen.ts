import type { FastifyInstance } from 'fastify';
import type { HostPort } from '../config/config.ts';
import { MilenaError } from '../errors/milena-error.ts';

/** Has an app listen. @throws MilenaError START_FAILED that says what is in the way. */
export async function listen(app: FastifyInstance, { host, port }: HostPort): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw new MilenaError('START_FAILED', explain(error, host, port), { cause: error });
  }
}

function explain(error: unknown, host: string, port: number): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program. Choose another (MILENA_PORT, MILENA_INTERNAL_BIND).`;
    case 'EACCES':
      return `Port ${port} needs rights that this user has not; ports from 1024 on need none.`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine.`;
    default:
      return `Cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** How often connections that have been answered are closed while an app ends, milliseconds. */
const SWEEP_MS = 50;

/** Ends an app: what is asked is answered, then its connection is closed, kept alive or not. */
export async function closeListener(app: FastifyInstance): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
  }
}
