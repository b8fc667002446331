import type { DeviceId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema } from '../schemas.ts';

/** `POST logout` and `POST logout/all` (spec: client-server API, "Logout"). */
export function logoutRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/logout',
    prefixes: SINCE_R0,
    auth: 'user',
    whileLocked: true,
    response: emptySchema,
    handle: ({ session }) => logout(context, session, [session.device_id]),
  });
  route(app, {
    method: 'POST',
    path: '/logout/all',
    prefixes: SINCE_R0,
    auth: 'user',
    whileLocked: true,
    response: emptySchema,
    handle: ({ session }) => logout(context, session, 'all'),
  });
}

async function logout(context: ClientContext, session: Session, devices: readonly DeviceId[] | 'all') {
  await context.execute({
    kind: 'remove_devices',
    id: freshCommandId(),
    at: context.now(),
    user_id: session.user_id,
    devices,
    reason: 'logout',
  });
  context.auth.invalidate(session.user_id, devices);
  return {};
}
