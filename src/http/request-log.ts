import { randomBytes } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import type { App } from './context.ts';
import type { HttpLogger } from './deps.ts';

/** What is published on `milena:http:request` when an answer has been sent. */
export interface RequestDone {
  readonly method: string;
  /** The route's pattern, never the path itself; `unknown` where none matched. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

const requestDone = channel('milena:http:request');

/** Makes request IDs: a random start for each process, then a number. */
export function requestIds(): () => string {
  const start = randomBytes(4).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

/** One line an answer: route, status, time and request ID. No path (it may hold names), no token, no body. */
export function installRequestLog(app: App, logger: HttpLogger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    const facts: RequestDone = {
      method: request.method,
      route,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    };
    if (requestDone.hasSubscribers) requestDone.publish(facts);
    logger.debug({ reqId: request.id, ...facts }, 'request');
    done();
  });
}
