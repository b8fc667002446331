import { Type } from 'typebox';
import type { App, ClientContext } from '../context.ts';
import { requireSelf } from '../require-self.ts';
import { requireJoined } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, roomIdSchema, userIdSchema } from '../schemas.ts';

const DEFAULT_MS = 30_000;
/** Nobody types for longer without a word from the client. */
const MAX_MS = 120_000;

/** `PUT typing` (spec: client-server API, "Typing Notifications"). */
export function typingRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'PUT',
    path: '/rooms/:roomId/typing/:userId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, userId: userIdSchema }),
    body: Type.Object({ typing: Type.Boolean(), timeout: Type.Optional(Type.Integer({ minimum: 0 })) }),
    response: emptySchema,
    handle: async ({ params: { roomId, userId }, body: { typing, timeout }, session }) => {
      requireSelf(session, userId);
      await requireJoined(context, roomId, userId);
      const until = context.now() + (typing ? Math.min(timeout ?? DEFAULT_MS, MAX_MS) : 0);
      const { device_id } = session;
      await context.publishTyping({ room_id: roomId, user_id: userId, device_id, typing, until });
      return {};
    },
  });
}
