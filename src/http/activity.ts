import type { App } from './context.ts';
import type { HttpDeps } from './deps.ts';

/** What somebody does in rooms, reading aside. What clients do by themselves is no sign of life. */
const ACTIVITY = /^\/_matrix\/client\/(v3|r0)\/(rooms|join|knock|createRoom)\b/;

/** Tells of what users do (spec: client-server API, "Last active ago"). */
export function installActivity(app: App, presence: HttpDeps['presence']): void {
  if (presence === undefined) return;
  // Before the answer goes out: whoever then asks sees it.
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { session, method, routeOptions } = request;
    const isDone = session !== undefined && method !== 'GET' && reply.statusCode < 300;
    if (isDone && ACTIVITY.test(routeOptions.url ?? '')) presence.active(session.user_id);
    done();
  });
}
