import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { serverOf, type UserId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { RestrictUser } from '../../owner/commands.ts';
import type { App, ClientContext } from '../context.ts';
import { findAccount } from '../password-check.ts';
import type { Account, Session } from '../reads/account-reads.ts';
import { requireAdmin } from '../require-admin.ts';
import { route } from '../route.ts';
import { userIdSchema } from '../schemas.ts';

const params = Type.Object({ userId: userIdSchema });
/** A reason is no part of the spec: administrators may give one, for the record. */
const reason = Type.Optional(Type.String({ maxLength: 2_000 }));
const locked = Type.Object({ locked: Type.Boolean() });
const suspended = Type.Object({ suspended: Type.Boolean() });

/** `admin/lock` and `admin/suspend` (spec: client-server API, "Account moderation", "Server Administration"). */
export function accountModerationRoutes(app: App, context: ClientContext): void {
  lockRoutes(app, context);
  suspendRoutes(app, context);
}

function lockRoutes(app: App, context: ClientContext): void {
  const lock = {
    path: '/admin/lock/:userId',
    prefixes: ['/_matrix/client/v1'],
    auth: 'user',
    params,
  } as const;
  route(app, {
    ...lock,
    method: 'GET',
    response: locked,
    handle: async ({ params: { userId }, session }) => ({
      locked: (await moderated(context, session, userId)).locked,
    }),
  });
  route(app, {
    ...lock,
    method: 'PUT',
    body: Type.Object({ locked: Type.Boolean(), reason }),
    response: locked,
    handle: async ({ params: { userId }, body, session }) => {
      const change = { restriction: 'lock', applied: body.locked, reason: body.reason ?? null } as const;
      await restrict(context, session, userId, change);
      return { locked: body.locked };
    },
  });
}

function suspendRoutes(app: App, context: ClientContext): void {
  const path = '/admin/suspend/:userId';
  const suspend = { path, prefixes: ['/_matrix/client/v1'], auth: 'user', params } as const;
  route(app, {
    ...suspend,
    method: 'GET',
    response: suspended,
    handle: async ({ params: { userId }, session }) => ({
      suspended: (await moderated(context, session, userId)).suspended,
    }),
  });
  route(app, {
    ...suspend,
    method: 'PUT',
    body: Type.Object({ suspended: Type.Boolean(), reason }),
    response: suspended,
    handle: async ({ params: { userId }, body, session }) => {
      const change = {
        restriction: 'suspend',
        applied: body.suspended,
        reason: body.reason ?? null,
      } as const;
      await restrict(context, session, userId, change);
      return { suspended: body.suspended };
    },
  });
}

/**
 * The account that an administrator asks about. Who asks is checked before anything is looked up, so that nobody
 * learns which accounts there are.
 * @throws MilenaError FORBIDDEN, INVALID_PARAM (of another server), NOT_FOUND
 */
async function moderated(context: ClientContext, session: Session, userId: UserId): Promise<Account> {
  requireAdmin(session);
  if (serverOf(userId) !== context.serverName) {
    throw new MilenaError('INVALID_PARAM', 'The user does not belong to this server.');
  }
  const account = await findAccount(context, userId);
  if (account === undefined || account.deactivated)
    throw new MilenaError('NOT_FOUND', 'There is no such user.');
  if (account.admin && userId !== session.user_id) {
    throw new MilenaError('FORBIDDEN', 'The user is an administrator too.');
  }
  return account;
}

async function restrict(
  context: ClientContext,
  session: Session,
  userId: UserId,
  change: Pick<RestrictUser, 'restriction' | 'applied' | 'reason'>,
): Promise<void> {
  await moderated(context, session, userId);
  if (userId === session.user_id) throw new MilenaError('FORBIDDEN', 'Nobody can do this to themselves.');
  await context.execute({
    kind: 'restrict_user',
    id: freshCommandId(),
    at: context.now(),
    user_id: userId,
    actor: session.user_id,
    ...change,
  });
  // Here at once; other nodes hear of it from the log's tail.
  context.auth.invalidate(userId, 'all');
}
