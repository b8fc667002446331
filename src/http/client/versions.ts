import { Type } from 'typebox';
import type { App, ClientContext } from '../context.ts';
import { route } from '../route.ts';

/**
 * All versions, not only the newest: Element Web looks for one of v1.1 … v1.13, and some clients compare
 * exact strings.
 */
const VERSIONS: readonly string[] = [
  ...['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1'],
  ...Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`),
];

/** `GET /_matrix/client/versions` and `GET /.well-known/matrix/client` (spec: "API Versions", "Well-known URI"). */
export function versionRoutes(app: App, { settings }: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/_matrix/client/versions',
    prefixes: [''],
    auth: 'none',
    response: Type.Object({
      versions: Type.Array(Type.String()),
      unstable_features: Type.Record(Type.String(), Type.Boolean()),
    }),
    handle: async () => ({ versions: [...VERSIONS], unstable_features: {} }),
  });
  route(app, {
    method: 'GET',
    path: '/.well-known/matrix/client',
    prefixes: [''],
    auth: 'none',
    response: Type.Object({ 'm.homeserver': Type.Object({ base_url: Type.String() }) }),
    handle: async () => ({ 'm.homeserver': { base_url: settings.publicUrl } }),
  });
}
