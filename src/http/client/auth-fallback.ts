import type { FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { isMilenaError } from '../../errors/milena-error.ts';
import type { App, ClientContext } from '../context.ts';
import { asMilenaError, retryAfterOf } from '../error-reply.ts';
import { checkStage } from '../uia/check-stage.ts';
import { pagePolicy, stageDonePage, stageGonePage, stagePage } from '../uia/fallback-pages.ts';
import { comesNext, hasStage, withStage } from '../uia/progress.ts';
import type { AuthData, Stage } from '../uia/stage.ts';
import { type UiaSession, UiaSessions } from '../uia/uia-session.ts';

const pathParams = Type.Object({ type: Type.String() });
const sessionQuery = Type.Object({ session: Type.String() });
const formBody = Type.Object({
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  token: Type.Optional(Type.String()),
  'g-recaptcha-response': Type.Optional(Type.String()),
});

const page = { 200: Type.String(), '4xx': Type.String(), '5xx': Type.String() };
const NONCE_BYTES = 16;

/** What a page of the fallback is asked with. */
interface Asked {
  readonly params: Static<typeof pathParams>;
  readonly query: Static<typeof sessionQuery>;
}

/**
 * `GET` and `POST auth/{type}/fallback/web`: pages on which a stage is completed in a browser (spec: client-server
 * API, "Fallback"). The form is sent to the page's own address; when the stage is complete, the page tells the
 * client that opened it.
 */
export function authFallbackRoutes(app: App, context: ClientContext): void {
  const sessions = new UiaSessions(context);
  const shared = { params: pathParams, querystring: sessionQuery, response: page };
  for (const prefix of ['/_matrix/client/v3', '/_matrix/client/r0']) {
    const url = `${prefix}/auth/:type/fallback/web`;
    app.get<{ Params: Asked['params']; Querystring: Asked['query'] }>(
      url,
      { config: { auth: 'none' }, schema: shared },
      async ({ params, query }, reply) => show(context, reply, await stateOf(sessions, { params, query })),
    );
    app.post<{ Params: Asked['params']; Querystring: Asked['query']; Body: Static<typeof formBody> }>(
      url,
      { config: { auth: 'none', form: true }, schema: { ...shared, body: formBody } },
      async ({ params, query, body, ip }, reply) =>
        show(context, reply, await submitted(context, sessions, { params, query }, { form: body, ip })),
    );
  }
}

/** What the page is to show. */
type PageState =
  | { readonly is: 'gone' }
  | { readonly is: 'done' }
  | { readonly is: 'open'; readonly stage: Stage; readonly session: UiaSession; readonly error?: Error };

async function stateOf(sessions: UiaSessions, { params, query }: Asked): Promise<PageState> {
  const session = (await sessions.find(query.session))?.session;
  if (session === undefined) return { is: 'gone' };
  if (hasStage(session, params.type)) return { is: 'done' };
  return comesNext(session, params.type) ? { is: 'open', stage: params.type, session } : { is: 'gone' };
}

async function submitted(
  context: ClientContext,
  sessions: UiaSessions,
  asked: Asked,
  { form, ip }: { readonly form: Static<typeof formBody>; readonly ip: string },
): Promise<PageState> {
  const state = await stateOf(sessions, asked);
  if (state.is !== 'open') return state;
  const { stage, session } = state;
  try {
    const proven = await checkStage(context, stage, authOf(form), { user: session.user, address: ip });
    const changed = await sessions.change(session.id, (now) => withStage(now, stage, proven));
    return { is: changed === undefined ? 'gone' : 'done' };
  } catch (error) {
    if (!isMilenaError(error)) throw error;
    return { ...state, error };
  }
}

function authOf({ user, password, token, ...form }: Static<typeof formBody>): AuthData {
  const response = form['g-recaptcha-response'];
  return {
    ...(user === undefined || user === '' ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token }),
    ...(response === undefined ? {} : { response }),
  };
}

function show({ settings, random }: ClientContext, reply: FastifyReply, state: PageState): FastifyReply {
  const nonce = Buffer.from(random(NONCE_BYTES)).toString('base64');
  const html = (status: number, text: string) =>
    reply
      .code(status)
      .type('text/html; charset=utf-8')
      .header('content-security-policy', pagePolicy(nonce))
      .header('cache-control', 'no-store')
      .header('referrer-policy', 'no-referrer')
      .send(text);
  switch (state.is) {
    case 'gone':
      return html(404, stageGonePage());
    case 'done':
      return html(200, stageDonePage(nonce));
    case 'open': {
      const { stage, session, error } = state;
      const asks = { settings, stage, namesUser: session.user === null, nonce };
      if (error === undefined) return html(200, stagePage(asks));
      const refusal = asMilenaError(error);
      const retryAfter = retryAfterOf(refusal);
      if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
      return html(refusal.status, stagePage({ ...asks, complaint: error.message }));
    }
  }
}
