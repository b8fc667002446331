import type { App } from './context.ts';

/** Spec: client-server API, "Web Browser Clients". */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
} as const;

/** A day: browsers ask again less often (they cap it themselves). */
const PREFLIGHT = { ...CORS, 'access-control-max-age': '86400' } as const;

/**
 * CORS headers on every answer; `OPTIONS` of any path is answered here and runs nothing. Chrome asks before a
 * page of the internet may reach a server on a private network (Private Network Access).
 */
export function installCors(app: App): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'OPTIONS') {
      reply.headers(CORS);
      done();
      return;
    }
    reply.headers(PREFLIGHT);
    if (request.headers['access-control-request-private-network'] === 'true') {
      reply.header('access-control-allow-private-network', 'true');
    }
    void reply.code(204).send();
  });
}
