import { Type } from 'typebox';
import type { App } from '../context.ts';
import { route, SINCE_R0 } from '../route.ts';
import { objectSchema } from '../schemas.ts';

/** `GET thirdparty/protocols` (spec: client-server API, "Third-party networks"): there are no bridges yet. */
export function thirdPartyRoutes(app: App): void {
  route(app, {
    method: 'GET',
    path: '/thirdparty/protocols',
    prefixes: SINCE_R0,
    auth: 'user',
    response: Type.Record(Type.String(), objectSchema),
    handle: async () => ({}),
  });
}
