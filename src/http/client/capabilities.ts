import { Type } from 'typebox';
import { ROOM_VERSIONS } from '../../matrix/room-versions.ts';
import type { App, ClientContext } from '../context.ts';
import { route, SINCE_R0 } from '../route.ts';

const switchSchema = Type.Object({ enabled: Type.Boolean() });

/** What administrators may do besides (spec: `m.account_moderation`, left out for all others). */
const MODERATION = { 'm.account_moderation': { suspend: true, lock: true } };

/** `GET capabilities` (spec: client-server API, "Capabilities negotiation"). Says what is built, no more. */
export function capabilityRoutes(app: App, { settings }: ClientContext): void {
  const available = ROOM_VERSIONS.map(({ id, stable }) => [id, stable ? 'stable' : 'unstable']);
  const capabilities = {
    'm.change_password': { enabled: true },
    'm.room_versions': { default: settings.defaultRoomVersion, available: Object.fromEntries(available) },
    'm.set_displayname': { enabled: true },
    'm.set_avatar_url': { enabled: true },
    'm.profile_fields': { enabled: true },
    'm.3pid_changes': { enabled: false },
    'm.get_login_token': { enabled: settings.loginTokenLifetime > 0 },
  };
  route(app, {
    method: 'GET',
    path: '/capabilities',
    prefixes: SINCE_R0,
    auth: 'user',
    response: Type.Object({
      capabilities: Type.Object({
        'm.change_password': switchSchema,
        'm.room_versions': Type.Object({
          default: Type.String(),
          available: Type.Record(Type.String(), Type.String()),
        }),
        'm.set_displayname': switchSchema,
        'm.set_avatar_url': switchSchema,
        'm.profile_fields': switchSchema,
        'm.3pid_changes': switchSchema,
        'm.get_login_token': switchSchema,
        'm.account_moderation': Type.Optional(Type.Object({ suspend: Type.Boolean(), lock: Type.Boolean() })),
      }),
    }),
    handle: async ({ session }) => ({
      capabilities: session.admin ? { ...capabilities, ...MODERATION } : capabilities,
    }),
  });
}
