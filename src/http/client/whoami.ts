import { Type } from 'typebox';
import type { App } from '../context.ts';
import { route, SINCE_R0 } from '../route.ts';

/** `GET account/whoami` (spec: client-server API, "Current account information"). */
export function whoamiRoutes(app: App): void {
  route(app, {
    method: 'GET',
    path: '/account/whoami',
    prefixes: SINCE_R0,
    auth: 'user',
    response: Type.Object({ user_id: Type.String(), device_id: Type.String(), is_guest: Type.Boolean() }),
    handle: async ({ session }) => ({
      user_id: session.user_id,
      device_id: session.device_id,
      is_guest: session.kind === 'guest',
    }),
  });
}
