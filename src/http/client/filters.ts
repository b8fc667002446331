import { hash } from 'node:crypto';
import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { JsonText } from '../json-text.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { objectSchema, userIdSchema } from '../schemas.ts';
import { filterSchema } from './filter-schema.ts';

/** `POST user/{userId}/filter` and `GET user/{userId}/filter/{filterId}` (spec: client-server API, "Filtering"). */
export function filterRoutes(app: App, context: ClientContext): void {
  storeFilter(app, context);
  readFilter(app, context);
}

function storeFilter(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/user/:userId/filter',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ userId: userIdSchema }),
    body: filterSchema,
    response: Type.Object({ filter_id: Type.String() }),
    handle: async ({ params, bodyText, session }) => {
      requireSelf(session, params.userId);
      // Made of the content, so that a client that stores the same filter at every start gets the same ID.
      const filter_id = hash('sha256', bodyText, 'base64url').slice(0, 16);
      await context.execute({
        kind: 'set_filter',
        id: freshCommandId(),
        at: context.now(),
        user_id: session.user_id,
        filter_id,
        filter: bodyText,
      });
      return { filter_id };
    },
  });
}

function readFilter(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/user/:userId/filter/:filterId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ userId: userIdSchema, filterId: Type.String() }),
    response: objectSchema,
    handle: async ({ params: { userId, filterId }, session }) => {
      requireSelf(session, userId);
      await context.freshness.user(userId);
      const find = () => context.reads.accounts.filter(userId, filterId);
      const filter = await context.freshness.orLater('user_values', userId, find);
      if (filter === undefined) throw new MilenaError('NOT_FOUND', 'There is no such filter.');
      return new JsonText(filter);
    },
  });
}
