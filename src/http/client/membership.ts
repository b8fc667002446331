import { Type } from 'typebox';
import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { SendEvent } from '../../owner/commands.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { standingOf } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, roomIdSchema, userIdSchema } from '../schemas.ts';
import { noThirdPartyInvites, requireInvitable } from './inviting.ts';
import { changeMembership, memberProfile } from './send-event.ts';

const roomParams = Type.Object({ roomId: roomIdSchema });
const targetBody = Type.Object({ user_id: userIdSchema, reason: Type.Optional(Type.String()) });

/** Leaving, forgetting, inviting, kicking, banning (spec: client-server API, "Room membership"). */
export function membershipRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/rooms/:roomId/leave',
    prefixes: SINCE_R0,
    auth: 'user',
    params: roomParams,
    body: Type.Object({ reason: Type.Optional(Type.String()) }),
    numbers: 'integers',
    emptyBody: true,
    response: emptySchema,
    handle: async ({ params: { roomId }, body: { reason }, session }) => {
      const content = { membership: 'leave', ...(reason === undefined ? {} : { reason }) };
      await changeMembership(context, { roomId, sender: session.user_id, target: session.user_id, content });
      return {};
    },
  });
  forgetRoute(app, context);
  inviteRoute(app, context);
  moderationRoute(app, context, 'kick', 'leave', ['join', 'invite', 'knock']);
  moderationRoute(app, context, 'ban', 'ban');
  moderationRoute(app, context, 'unban', 'leave', ['ban']);
}

function forgetRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/rooms/:roomId/forget',
    prefixes: SINCE_R0,
    auth: 'user',
    params: roomParams,
    body: emptySchema,
    emptyBody: true,
    response: emptySchema,
    handle: async ({ params: { roomId }, session: { user_id } }) => {
      // Saying it again changes nothing and needs no record.
      if ((await standingOf(context, roomId, user_id))?.forgotten === true) return {};
      const stamp = { id: freshCommandId(), at: context.now() };
      await context.execute({ kind: 'forget_room', ...stamp, room_id: roomId, user_id });
      return {};
    },
  });
}

function inviteRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/rooms/:roomId/invite',
    prefixes: SINCE_R0,
    auth: 'user',
    params: roomParams,
    body: Type.Object({
      user_id: Type.Optional(userIdSchema),
      reason: Type.Optional(Type.String()),
      medium: Type.Optional(Type.String()),
    }),
    numbers: 'integers',
    response: emptySchema,
    handle: async ({ params: { roomId }, body: { user_id, reason, medium }, session }) => {
      if (user_id === undefined && medium !== undefined) throw noThirdPartyInvites();
      if (user_id === undefined) throw new MilenaError('MISSING_PARAM', 'user_id: is required');
      await requireInvitable(context, user_id);
      const profile = await memberProfile(context, user_id);
      const content = { membership: 'invite', ...profile, ...(reason === undefined ? {} : { reason }) };
      await changeMembership(context, { roomId, sender: session.user_id, target: user_id, content });
      return {};
    },
  });
}

function moderationRoute(
  app: App,
  context: ClientContext,
  verb: 'kick' | 'ban' | 'unban',
  membership: 'leave' | 'ban',
  expect?: NonNullable<SendEvent['expect_membership']>,
): void {
  route(app, {
    method: 'POST',
    path: `/rooms/:roomId/${verb}`,
    prefixes: SINCE_R0,
    auth: 'user',
    params: roomParams,
    body: targetBody,
    numbers: 'integers',
    response: emptySchema,
    handle: async ({ params: { roomId }, body: { user_id, reason }, session }) => {
      const change = {
        roomId,
        target: user_id,
        membership,
        reason,
        ...(expect === undefined ? {} : { expect }),
      };
      await moderate(context, session, change);
      return {};
    },
  });
}

interface Moderation {
  readonly roomId: RoomId;
  readonly target: UserId;
  readonly membership: 'leave' | 'ban';
  readonly reason: string | undefined;
  readonly expect?: NonNullable<SendEvent['expect_membership']>;
}

async function moderate(context: ClientContext, session: Session, change: Moderation): Promise<void> {
  const { roomId, target, membership, reason, expect } = change;
  const content = { membership, ...(reason === undefined ? {} : { reason }) };
  const sender = session.user_id;
  try {
    const expected = expect === undefined ? {} : { expect };
    await changeMembership(context, { roomId, sender, target, content, ...expected });
  } catch (error) {
    // The spec has M_FORBIDDEN for whom is not there to be kicked, or not banned.
    if (!isMilenaError(error, 'BAD_STATE')) throw error;
    throw new MilenaError('FORBIDDEN', error.message, { cause: error });
  }
}
