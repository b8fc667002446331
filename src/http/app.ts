import type { FastifyReply, RouteOptions } from 'fastify';
import { fastify } from 'fastify';
import { MilenaError } from '../errors/milena-error.ts';
import { freshCommandId } from '../owner/command-id.ts';
import { installActivity } from './activity.ts';
import { sharedSecretRegistration } from './admin/register.ts';
import { Authenticator } from './auth.ts';
import { installBodyParser } from './body-parser.ts';
import { clientRoutes } from './client/routes.ts';
import { answerClientError } from './client-error.ts';
import type { App, ClientContext } from './context.ts';
import { installCors } from './cors.ts';
import type { HttpDeps, HttpLogger, HttpSettings } from './deps.ts';
import { asMilenaError, errorBody, retryAfterOf } from './error-reply.ts';
import './fastify-types.ts';
import { openIdUserInfo } from './federation/openid.ts';
import { Freshness } from './freshness.ts';
import { installAuth } from './install-auth.ts';
import { KnownPaths } from './known-paths.ts';
import { LastSeen } from './last-seen.ts';
import { RateLimits, ratesOf } from './rate-limits.ts';
import type { Session } from './reads/account-reads.ts';
import { installRequestLog, requestIds } from './request-log.ts';
import { installRouteLimits } from './route-limits.ts';
import { frontPage } from './server/front-page.ts';
import { livenessRoutes } from './server/liveness.ts';
import { compileValidator } from './validation.ts';

/** The longest path parameter: 255 bytes, each perhaps as `%XX`. */
const PARAM_LIMIT = 1_024;

/** The public app and what else must reach into it. */
export interface PublicApp {
  readonly app: App;
  /** To tell of revocations from the log's tail. */
  readonly auth: Authenticator;
  /** To tell of devices that are no more, from the log's tail. */
  readonly lastSeen: LastSeen;
  /** To tell other nodes of what was used. */
  readonly limits: RateLimits;
  /** Aborts when the app begins to close. */
  readonly draining: AbortSignal;
  /** Every route, as it was added. */
  readonly routes: readonly RouteOptions[];
}

/** How long a client may take to send a request, milliseconds. */
const RECEIVE_TIMEOUT_MS = 60_000;

const NOT_SERVING = 'The server is being brought up to date; try again.';
const COME_AGAIN_MS = 5_000;

/** What `bareApp` needs of the settings. */
interface BareSettings extends Pick<HttpSettings, 'maxBodyBytes' | 'trustedProxies'> {
  /** 0: no limit. */
  readonly receiveTimeoutMs?: number;
}

/** Builds the app that clients talk to. It does not listen yet. */
export function buildPublicApp(deps: HttpDeps): PublicApp {
  const app = bareApp(deps.logger, deps.settings);
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (options) => {
    routes.push(options);
  });
  const drain = new AbortController();
  app.addHook('preClose', (done) => {
    drain.abort();
    done();
  });
  const context = contextOf(deps, drain.signal);
  installCors(app);
  if (deps.serving !== undefined) installServing(app, deps.serving);
  installAuth(app, context);
  installRouteLimits(app, context.limits);
  app.addHook('onClose', () => context.lastSeen[Symbol.asyncDispose]());
  installActivity(app, deps.presence);
  frontPage(app, deps);
  livenessRoutes(app, deps);
  clientRoutes(app, context);
  openIdUserInfo(app, context);
  sharedSecretRegistration(app, context);
  const { auth, limits, lastSeen } = context;
  return { app, auth, limits, lastSeen, draining: drain.signal, routes };
}

/** An app with our body parser, validation, errors and request log, and no routes. */
export function bareApp(logger: HttpLogger, settings: BareSettings): App {
  const app = fastify({
    logger: false,
    bodyLimit: settings.maxBodyBytes,
    exposeHeadRoutes: false,
    requestTimeout: settings.receiveTimeoutMs ?? RECEIVE_TIMEOUT_MS,
    clientErrorHandler: answerClientError,
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    return503OnClosing: false,
    // Kept-alive connections that ask nothing must not hold up the end.
    forceCloseConnections: 'idle',
    genReqId: requestIds(),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAM_LIMIT },
    frameworkErrors: (error, _request, reply) => replyWithError(error, reply, logger),
  });
  app.setValidatorCompiler(compileValidator);
  installBodyParser(app);
  installRequestLog(app, logger);
  app.setErrorHandler((error, _request, reply) => replyWithError(error, reply, logger));
  installNotFound(app, logger);
  return app;
}

function contextOf(deps: HttpDeps, draining: AbortSignal): ClientContext {
  const freshness = new Freshness(deps.gate, deps.slots);
  const execute: ClientContext['execute'] = async (command) => {
    const result = await deps.bus.execute(command);
    for (const written of [result.written, ...(result.alsoWritten ?? [])]) freshness.wrote(written);
    return result;
  };
  const confirm = ({ user_id, device_id }: Session, token_hash: string) =>
    execute({ kind: 'confirm_tokens', id: freshCommandId(), at: deps.now(), user_id, device_id, token_hash });
  const auth = new Authenticator({ ...deps, confirm });
  const report = (err: unknown): void =>
    deps.logger.warn({ err }, 'it could not be noted when devices were seen; it is tried again');
  const lastSeen = new LastSeen(deps.sessions, deps.now, report);
  const limits = new RateLimits(ratesOf(deps.settings), undefined, deps.settings.rateExceptions);
  return { ...deps, auth, limits, freshness, lastSeen, draining, execute };
}

/** Clients are told at once to come again, instead of each waiting for what cannot be answered yet. */
function installServing(app: App, serving: () => boolean): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isClient = request.routeOptions.url?.startsWith('/_matrix/') ?? false;
    if (serving() || !isClient) done();
    else done(new MilenaError('UNAVAILABLE', NOT_SERVING, { retryAfterMs: COME_AGAIN_MS }));
  });
}

function installNotFound(app: App, logger: HttpLogger): void {
  const paths = new KnownPaths();
  app.addHook('onRoute', (options) => paths.add(options.url));
  app.setNotFoundHandler((request, reply) => {
    const code = paths.has(request.url) ? 'METHOD_NOT_ALLOWED' : 'UNRECOGNIZED';
    replyWithError(new MilenaError(code), reply, logger);
  });
}

function replyWithError(cause: unknown, reply: FastifyReply, logger: HttpLogger): void {
  const error = asMilenaError(cause);
  if (error.status >= 500) {
    const facts = { reqId: reply.request.id, route: reply.request.routeOptions.url, code: error.code };
    logger.error({ ...facts, ...error.facts.log, err: error.facts.cause ?? error }, 'request failed');
  }
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  void reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(error)));
}
