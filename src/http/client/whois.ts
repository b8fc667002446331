import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { findAccount } from '../password-check.ts';
import { requireAdmin } from '../require-admin.ts';
import { route, SINCE_R0 } from '../route.ts';
import { userIdSchema } from '../schemas.ts';

const connection = Type.Object({
  ip: Type.String(),
  last_seen: Type.Integer(),
  user_agent: Type.Optional(Type.String()),
});
const device = Type.Object({
  sessions: Type.Array(Type.Object({ connections: Type.Array(connection) })),
});

/**
 * `GET admin/whois` (spec: client-server API, "Server Administration"): of oneself, or for administrators. A device
 * has one session, and of its connections the last is known for some months.
 */
export function whoisRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/admin/whois/:userId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ userId: userIdSchema }),
    response: Type.Object({ user_id: Type.String(), devices: Type.Record(Type.String(), device) }),
    handle: async ({ params: { userId }, session }) => {
      if (userId !== session.user_id) requireAdmin(session);
      const { reads, lastSeen } = context;
      if ((await findAccount(context, userId)) === undefined)
        throw new MilenaError('NOT_FOUND', 'There is no such user here.');
      const [devices, seen] = await Promise.all([reads.accounts.devices(userId), lastSeen.of(userId)]);
      const known = devices.map(({ device_id }) => {
        const last = seen.get(device_id);
        if (last === undefined) return [device_id, { sessions: [{ connections: [] }] }] as const;
        const { ip, ts, agent } = last;
        const connections = [{ ip, last_seen: ts, ...(agent === undefined ? {} : { user_agent: agent }) }];
        return [device_id, { sessions: [{ connections }] }] as const;
      });
      return { user_id: userId, devices: Object.fromEntries(known) };
    },
  });
}
