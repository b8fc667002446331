import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { type EventId, parseEventId, type RoomId } from '../../matrix/identifiers.ts';
import { type JsonObject, ownString } from '../../matrix/json.ts';
import { transactionCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { eventIdSchema, objectSchema, roomIdSchema } from '../schemas.ts';
import { requireOwnRedaction } from '../suspension.ts';
import { executeSend } from './send-event.ts';
import { SentRelations } from './sent-relation.ts';

const eventIdAnswer = Type.Object({ event_id: Type.String() });

/** `PUT send` and `PUT redact` (spec: client-server API, "Sending events to a room", "Redactions"). */
export function sendRoutes(app: App, context: ClientContext): void {
  const relations = new SentRelations(context);
  route(app, {
    method: 'PUT',
    path: '/rooms/:roomId/send/:eventType/:txnId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, eventType: Type.String(), txnId: Type.String() }),
    body: objectSchema,
    numbers: 'integers',
    response: eventIdAnswer,
    handle: async ({ params: { roomId, eventType, txnId }, body, bodyText, session }) => {
      const redacts = eventType === 'm.room.redaction' ? redactsOf(body) : undefined;
      await relations.check(session, { roomId, type: eventType, content: body, txnId });
      const path = `/rooms/${roomId}/send/${eventType}`;
      const event = { roomId, type: eventType, content: bodyText, redacts };
      return { event_id: await sendOnce(context, session, { ...event, path, txnId }) };
    },
  });
  route(app, {
    method: 'PUT',
    path: '/rooms/:roomId/redact/:eventId/:txnId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema, eventId: eventIdSchema, txnId: Type.String() }),
    body: Type.Object({ reason: Type.Optional(Type.String()) }),
    numbers: 'integers',
    emptyBody: true,
    response: eventIdAnswer,
    handle: async ({ params: { roomId, eventId, txnId }, body: { reason }, session }) => {
      const content = JSON.stringify(reason === undefined ? {} : { reason });
      const path = `/rooms/${roomId}/redact/${eventId}`;
      const event = { roomId, type: 'm.room.redaction', content, redacts: eventId };
      return { event_id: await sendOnce(context, session, { ...event, path, txnId }) };
    },
  });
}

/** An event and the transaction that sends it. */
interface OneSend {
  readonly roomId: RoomId;
  readonly type: string;
  readonly content: string;
  readonly redacts: EventId | undefined;
  /** The endpoint, the same whatever version of it the client used. */
  readonly path: string;
  readonly txnId: string;
}

/** The same device, path and transaction ID give the same event, however often they come. */
async function sendOnce(context: ClientContext, session: Session, send: OneSend): Promise<EventId> {
  const { user_id, device_id } = session;
  await requireOwnRedaction(context, session, send.roomId, send.redacts);
  return executeSend(context, {
    kind: 'send_event',
    id: transactionCommandId(user_id, device_id, 'PUT', send.path, send.txnId),
    at: context.now(),
    room_id: send.roomId,
    sender: user_id,
    type: send.type,
    content: send.content,
    ...(send.redacts === undefined ? {} : { redacts: send.redacts }),
    transaction: { device_id, txn_id: send.txnId },
  });
}

/** Through `/send`, too, a redaction names what it redacts. @throws MilenaError BAD_JSON */
function redactsOf(content: JsonObject): EventId {
  const eventId = parseEventId(ownString(content, 'redacts') ?? '');
  if (eventId === undefined) throw new MilenaError('BAD_JSON', 'redacts: must be an event ID');
  return eventId;
}
