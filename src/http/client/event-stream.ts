import { type Static, Type } from 'typebox';
import type { SyncService } from '../../../projections/sync/service.ts';
import { type ReadyFilter, readyFilter } from '../../../projections/sync/sync-filter.ts';
import { MilenaError } from '../../errors/milena-error.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import type { App, ClientContext } from '../context.ts';
import { eventsText } from '../event-text.ts';
import { JsonText } from '../json-text.ts';
import type { Session } from '../reads/account-reads.ts';
import { requireInside } from '../room-access.ts';
import { route, SINCE_R0 } from '../route.ts';
import { objectSchema, roomIdSchema } from '../schemas.ts';
import { LongPolls } from './long-poll.ts';
import { streamTexts } from './sync/stream-text.ts';

/** The most events of one room in one answer: nothing is left out, what came after is for the next one. */
const STEP = 1_000;

const streamQuery = Type.Object({
  from: Type.Optional(Type.String()),
  timeout: Type.Optional(Type.Integer({ minimum: 0 })),
  room_id: Type.Optional(roomIdSchema),
});

/** Events of rooms, and what is none of them and has neither an ID nor a sender. */
const streamedSchema = Type.Object(
  {
    type: Type.String(),
    content: objectSchema,
    room_id: Type.Optional(Type.String()),
    event_id: Type.Optional(Type.String()),
    sender: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);

/**
 * `GET events`, the stream that came before sync (spec: client-server API, deprecated), and the same with `room_id`,
 * with which whoever is not in a world-readable room looks into it ("Room Previews").
 */
export function eventStreamRoutes(app: App, context: ClientContext): void {
  const { sync } = context;
  if (sync === undefined) return;
  const polls = new LongPolls(context);
  const filter = readyFilter({ room: { timeline: { limit: STEP } } });
  route(app, {
    method: 'GET',
    path: '/events',
    prefixes: SINCE_R0,
    auth: 'user',
    query: streamQuery,
    response: Type.Object({ start: Type.String(), end: Type.String(), chunk: Type.Array(streamedSchema) }),
    handle: ({ query: { room_id, ...query }, session, request }) =>
      polls.run(request, session, (gone) => {
        sync.check(query.from);
        const asked = { context, sync, session, gone, query, deadline: deadline(context, query.timeout) };
        return room_id === undefined ? stream(asked, filter) : peek(asked, room_id);
      }),
  });
}

interface Asked {
  readonly context: ClientContext;
  readonly sync: Pick<SyncService, 'collect' | 'now' | 'roomSince'>;
  readonly session: Session;
  readonly gone: AbortSignal;
  readonly query: Pick<Static<typeof streamQuery>, 'from'>;
  /** Monotonic milliseconds. */
  readonly deadline: number;
}

/** The spec has the stream block until something happens: who names no time waits as long as anybody may. */
function deadline({ settings }: ClientContext, timeout: number | undefined): number {
  return performance.now() + Math.min(timeout ?? settings.syncTimeout, settings.syncTimeout);
}

/** Everything that concerns the user. */
async function stream(asked: Asked, filter: ReadyFilter): Promise<JsonText> {
  const { context, sync, session, gone, query } = asked;
  // Guests have the form for previews alone (spec: "Guest Access").
  if (session.kind === 'guest') throw new MilenaError('GUEST_ACCESS_FORBIDDEN');
  const { user_id, device_id } = session;
  const { written } = context.freshness;
  const start = query.from ?? (await sync.now(written));
  const synced = context.presence?.syncing(session, 'online');
  try {
    let since = start;
    for (;;) {
      const left = asked.deadline - performance.now();
      const found = await sync.collect({
        user_id,
        device_id,
        since,
        step: STEP,
        timeoutMs: Math.max(0, left),
        fullState: false,
        stateAfter: false,
        filter,
        signal: gone,
        written,
      });
      since = found.next_batch;
      const chunk = streamTexts(found, session, context.now());
      const isOver = gone.aborted || left <= 0;
      if (chunk.length > 0 || isOver) return answer(start, since, `[${chunk.join(',')}]`);
    }
  } finally {
    synced?.();
  }
}

/** One room, for its members and, while it is world-readable, for everybody. */
async function peek(asked: Asked, roomId: RoomId): Promise<JsonText> {
  const { context, sync, session, gone, query } = asked;
  await context.freshness.user(session.user_id);
  let { from: since } = query;
  let start = since;
  for (;;) {
    await requireInside(context, roomId, session.user_id);
    const left = asked.deadline - performance.now();
    const { from, to } = await sync.roomSince({
      roomId,
      timeoutMs: Math.max(0, left),
      signal: gone,
      most: STEP,
      written: context.freshness.written,
      ...(since === undefined ? {} : { since }),
    });
    start ??= from.token;
    since = to.token;
    const page = { roomId, viewer: session.user_id, direction: 'f' as const, limit: STEP };
    const { events } = await context.reads.timeline.page({ ...page, from: from.place, to: to.place });
    const isOver = gone.aborted || left <= 0;
    if (events.length > 0 || isOver) return answer(start, since, eventsText(events, session, context.now()));
  }
}

/** @param chunk a JSON array. */
function answer(start: string, end: string, chunk: string): JsonText {
  return new JsonText(`{"start":${JSON.stringify(start)},"end":${JSON.stringify(end)},"chunk":${chunk}}`);
}
