import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { EventId, RoomId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { SetReceipt } from '../../owner/commands.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireJoined } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, eventIdSchema, roomIdSchema } from '../schemas.ts';

type ReceiptType = SetReceipt['receipt_type'];

const RECEIPT_TYPES = ['m.read', 'm.read.private', 'm.fully_read'] as const satisfies readonly ReceiptType[];

/** Receipts and the fully-read marker (spec: client-server API, "Receipts", "Read and unread markers"). */
export function receiptRoutes(app: App, context: ClientContext): void {
  receiptRoute(app, context);
  readMarkersRoute(app, context);
}

function receiptRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/rooms/:roomId/receipt/:receiptType/:eventId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, receiptType: Type.String(), eventId: eventIdSchema }),
    body: Type.Object({ thread_id: Type.Optional(Type.String({ minLength: 1 })) }),
    emptyBody: true,
    response: emptySchema,
    handle: async ({ params: { roomId, receiptType, eventId }, body, session }) => {
      const type = RECEIPT_TYPES.find((known) => known === receiptType);
      if (type === undefined) throw new MilenaError('INVALID_PARAM', 'receiptType: is not known');
      if (type === 'm.fully_read' && body.thread_id !== undefined) {
        throw new MilenaError('INVALID_PARAM', 'thread_id: the fully-read marker has no threads');
      }
      await requireJoined(context, roomId, session.user_id);
      await setReceipts(context, session, [{ roomId, type, eventId, threadId: body.thread_id ?? null }]);
      return {};
    },
  });
}

function readMarkersRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/rooms/:roomId/read_markers',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    body: Type.Object({
      'm.fully_read': Type.Optional(eventIdSchema),
      'm.read': Type.Optional(eventIdSchema),
      'm.read.private': Type.Optional(eventIdSchema),
    }),
    emptyBody: true,
    response: emptySchema,
    handle: async ({ params: { roomId }, body, session }) => {
      await requireJoined(context, roomId, session.user_id);
      const receipts = RECEIPT_TYPES.flatMap((type) => {
        const eventId = body[type];
        return eventId === undefined ? [] : [{ roomId, type, eventId, threadId: null }];
      });
      await setReceipts(context, session, receipts);
      return {};
    },
  });
}

interface NewReceipt {
  readonly roomId: RoomId;
  readonly type: ReceiptType;
  readonly eventId: EventId;
  readonly threadId: string | null;
}

/** Sets receipts, once it is known that all of them can be. @throws MilenaError NOT_FOUND, INVALID_PARAM */
async function setReceipts(
  context: ClientContext,
  session: Session,
  receipts: readonly NewReceipt[],
): Promise<void> {
  const places = await Promise.all(receipts.map((receipt) => placeOf(context, receipt)));
  for (const [index, { roomId, type, eventId, threadId }] of receipts.entries()) {
    await context.execute({
      kind: 'set_receipt',
      id: freshCommandId(),
      at: context.now(),
      user_id: session.user_id,
      room_id: roomId,
      receipt_type: type,
      thread_id: threadId,
      event_id: eventId,
      place: places[index] ?? 0,
    });
  }
}

async function placeOf(
  { freshness, reads }: ClientContext,
  { roomId, eventId, threadId }: NewReceipt,
): Promise<number> {
  const found = await freshness.orLater('rooms', roomId, () => reads.timeline.whereIs(roomId, eventId));
  if (found === undefined) throw new MilenaError('NOT_FOUND', 'There is no such event in this room.');
  const { place, thread } = found;
  // A thread's root stands in the main timeline; who has opened the thread has seen it there, too.
  if (threadId === null || threadId === (thread ?? 'main') || threadId === eventId) return place;
  throw new MilenaError('INVALID_PARAM', 'thread_id: the event is not in this thread.');
}
