import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import type { Presence } from '../../matrix/presence.ts';
import type { App, ClientContext } from '../context.ts';
import { findAccount } from '../password-check.ts';
import { presenceContent, presenceSchema } from '../presence-content.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, userIdSchema } from '../schemas.ts';

/** The longest status message, in UTF-16 units: it goes to everybody who shares a room. */
const MAX_STATUS = 1_024;

const OFFLINE: Presence = {
  presence: 'offline',
  active_at: undefined,
  currently_active: false,
  status_msg: null,
  profile: 0,
};

/** `PUT` and `GET presence/{userId}/status` (spec: client-server API, "Presence"). */
export function presenceRoutes(app: App, context: ClientContext): void {
  const status = {
    path: '/presence/:userId/status',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ userId: userIdSchema }),
  } as const;
  route(app, {
    ...status,
    method: 'PUT',
    body: Type.Object({
      presence: presenceSchema.properties.presence,
      status_msg: Type.Optional(Type.Union([Type.String({ maxLength: MAX_STATUS }), Type.Null()])),
    }),
    response: emptySchema,
    handle: async ({ params: { userId }, body, session }) => {
      requireSelf(session, userId);
      await context.presence?.set(session, body.presence, body.status_msg ?? null);
      return {};
    },
  });
  route(app, {
    ...status,
    method: 'GET',
    response: presenceSchema,
    handle: async ({ params: { userId }, session }) => {
      await requireSharing(context, session, userId);
      return presenceContent(context.presence?.of(userId) ?? OFFLINE, context.now());
    },
  });
}

/** @throws MilenaError NOT_FOUND when there is no such user, FORBIDDEN when the two share no room. */
async function requireSharing(context: ClientContext, session: Session, userId: UserId): Promise<void> {
  if (userId === session.user_id) return;
  await context.freshness.all();
  if ((await context.reads.rooms.sharing(session.user_id, [userId])).has(userId)) return;
  if ((await findAccount(context, userId)) === undefined)
    throw new MilenaError('NOT_FOUND', 'There is no such user here.');
  throw new MilenaError('FORBIDDEN', 'You share no room with this user.');
}
