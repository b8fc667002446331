import { type Static, Type } from 'typebox';
import type { SyncService } from '../../../projections/sync/service.ts';
import type { App, ClientContext } from '../context.ts';
import { JsonText } from '../json-text.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { LongPolls } from './long-poll.ts';
import { answerText } from './sync/answer-text.ts';
import { SyncFilters } from './sync/filters.ts';
import { syncResponse } from './sync/response.ts';

const flag = Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')]));

const syncQuery = Type.Object({
  since: Type.Optional(Type.String()),
  timeout: Type.Optional(Type.Integer({ minimum: 0 })),
  filter: Type.Optional(Type.String()),
  full_state: flag,
  use_state_after: flag,
  'org.matrix.msc4222.use_state_after': flag,
  set_presence: Type.Optional(
    Type.Union([Type.Literal('offline'), Type.Literal('online'), Type.Literal('unavailable')]),
  ),
});

/** `GET sync` (spec: client-server API, "Syncing"). */
export function syncRoutes(app: App, context: ClientContext): void {
  const { sync } = context;
  if (sync === undefined) return;
  const filters = new SyncFilters(context);
  const polls = new LongPolls(context);
  route(app, {
    method: 'GET',
    path: '/sync',
    prefixes: SINCE_R0,
    auth: 'user',
    query: syncQuery,
    response: syncResponse,
    handle: ({ query, session, request }) =>
      polls.run(request, session, (gone) => answer({ context, sync, filters }, session, query, gone)),
  });
}

interface Parts {
  readonly context: ClientContext;
  readonly sync: Pick<SyncService, 'collect' | 'check'>;
  readonly filters: SyncFilters;
}

async function answer(
  { context, sync, filters }: Parts,
  session: Session,
  query: Static<typeof syncQuery>,
  gone: AbortSignal,
): Promise<JsonText> {
  const { user_id, device_id } = session;
  const filter = await filters.get(user_id, query.filter);
  const stateAfter =
    query.use_state_after === 'true' || query['org.matrix.msc4222.use_state_after'] === 'true';
  if (query.since === undefined) await context.freshness.all();
  const request = {
    user_id,
    device_id,
    ...(query.since === undefined ? {} : { since: query.since }),
    timeoutMs: Math.min(query.timeout ?? 0, context.settings.syncTimeout),
    fullState: query.full_state === 'true',
    stateAfter,
    filter,
    signal: gone,
    written: context.freshness.written,
  };
  // A request that is refused shows nobody.
  sync.check(query.since);
  const state = query.set_presence ?? 'online';
  const synced = state === 'offline' ? undefined : context.presence?.syncing(session, state);
  const found = await sync.collect(request).finally(() => synced?.());
  return new JsonText(
    answerText(found, session, {
      now: context.now(),
      stateAfter,
      incremental: query.since !== undefined,
      threadCounts: filter.threadCounts,
      eventFields: filter.eventFields,
      texts: filter.federation ? await context.federationForm?.(found) : undefined,
    }),
  );
}
