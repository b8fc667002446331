import { createHash, timingSafeEqual } from 'node:crypto';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App } from '../context.ts';
import '../fastify-types.ts';

/**
 * Lets in those who know the nodes' shared secret, as a bearer token; compared in constant time, by hashes, so
 * that not even its length can be found out.
 */
export function requireSecret(app: App, secret: string): void {
  const expected = digest(`Bearer ${secret}`);
  app.addHook('onRequest', (request, _reply, done) => {
    const isOpen = request.routeOptions.config.auth === 'none';
    if (isOpen || timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) done();
    else done(new MilenaError('UNKNOWN_TOKEN', 'The internal secret is wrong.'));
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
