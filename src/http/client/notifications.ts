import { Type } from 'typebox';
import type { NotificationCursor } from '../../../projections/sync/notified-events.ts';
import { MilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { roomlessEventText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import { route, SINCE_R0 } from '../route.ts';
import { clientEventSchema, roomIdSchema } from '../schemas.ts';
import { actionsSchema } from './push-rule-schemas.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** What tells our tokens from other words. */
const PREFIX = 'n-';
const TOKEN = /^n-[0-9a-z]{1,11}(\.[0-9a-z]{1,11}_[0-9a-z]{1,11})*$/;

const notificationSchema = Type.Object({
  room_id: roomIdSchema,
  event: Type.Omit(clientEventSchema, ['room_id']),
  actions: actionsSchema.properties.actions,
  read: Type.Boolean(),
  ts: Type.Integer(),
});

/** `GET notifications` (spec: client-server API, "Listing Notifications"). */
export function notificationRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/notifications',
    prefixes: SINCE_R0,
    auth: 'user',
    query: Type.Object({
      from: Type.Optional(Type.String()),
      limit: Type.Optional(Type.Integer({ minimum: 0 })),
      only: Type.Optional(Type.String()),
    }),
    response: Type.Object({
      notifications: Type.Array(notificationSchema),
      next_token: Type.Optional(Type.String()),
    }),
    handle: async ({ query, session }) => {
      const { reads, freshness, now } = context;
      const from = query.from === undefined ? undefined : cursorOf(query.from);
      await freshness.all();
      const page = await reads.notifications({
        userId: session.user_id,
        from,
        limit: Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT),
        onlyHighlights: query.only === 'highlight',
      });
      const at = now();
      const texts = page.notifications.map(
        ({ event, room_id, actions, read, ts }) =>
          `{"room_id":${JSON.stringify(room_id)},"event":${roomlessEventText(event, session, at)},` +
          `"actions":${JSON.stringify(actions)},"read":${read},"ts":${ts}}`,
      );
      const next = page.next === undefined ? '' : `,"next_token":${JSON.stringify(tokenOf(page.next))}`;
      return new JsonText(`{"notifications":[${texts.join(',')}]${next}}`);
    },
  });
}

/** `n-ts.room_place.room_place…`, all numbers of base 36. */
function tokenOf({ ts, before }: NotificationCursor): string {
  const rooms = [...before].map(([room, place]) => `${room.toString(36)}_${place.toString(36)}`);
  return PREFIX + [ts.toString(36), ...rooms].join('.');
}

/** @throws MilenaError INVALID_PARAM */
function cursorOf(token: string): NotificationCursor {
  if (!TOKEN.test(token)) throw new MilenaError('INVALID_PARAM', 'from: is not a token of this server');
  const [ts = '', ...rooms] = token.slice(PREFIX.length).split('.');
  const before = new Map(
    rooms.map((one) => {
      const [room = '', place = ''] = one.split('_');
      return [Number.parseInt(room, 36), Number.parseInt(place, 36)] as const;
    }),
  );
  const numbers = [Number.parseInt(ts, 36), ...before.keys(), ...before.values()];
  if (numbers.every(Number.isSafeInteger)) return { ts: Number.parseInt(ts, 36), before };
  throw new MilenaError('INVALID_PARAM', 'from: is not a token of this server');
}
