import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { MilenaError } from '../errors/milena-error.ts';
import type { JsonNumbers } from '../matrix/strict-json.ts';
import type { App } from './context.ts';
import { JsonText } from './json-text.ts';
import type { Session } from './reads/account-reads.ts';
import { errorSchema } from './schemas.ts';

/** The versions of an endpoint that was there before v3: the old name is kept for old clients. */
export const SINCE_R0 = ['/_matrix/client/v3', '/_matrix/client/r0'] as const;
/** The versions of an endpoint that came with v3. */
export const SINCE_V3 = ['/_matrix/client/v3'] as const;
/** The versions of an endpoint that came after v3 and is the first of its kind. */
export const SINCE_V1 = ['/_matrix/client/v1'] as const;

/** A route's path without the version that it begins with, where it is one of the client-server API's. */
export function behindVersion(url: string): string {
  return url.replace(/^\/_matrix\/client\/(v\d+|r0)(?=\/)/, '');
}

/** Whether an access token is needed; `optional`: one that is given must be good. */
export type AuthKind = 'user' | 'optional' | 'none';

/** The session of a request, by whether its route needs one. */
type SessionOf<A extends AuthKind> = A extends 'user'
  ? Session
  : A extends 'optional'
    ? Session | undefined
    : undefined;

/** A request whose parts have been checked. */
export interface Asked<A extends AuthKind, P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body as it came. */
  readonly bodyText: string;
  readonly session: SessionOf<A>;
  /** The client's address, behind trusted proxies the one that they name. */
  readonly address: string;
  readonly request: FastifyRequest;
}

/** One endpoint. */
export interface RouteSpec<
  A extends AuthKind,
  P extends TSchema,
  Q extends TSchema,
  B extends TSchema,
  R extends TSchema,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path after each of `prefixes`, with `:name` for parameters. */
  readonly path: string;
  readonly prefixes: readonly string[];
  readonly auth: A;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The answer of status 200. */
  readonly response: R;
  /** Which numbers the body may hold: `integers` where event content is in it. */
  readonly numbers?: JsonNumbers;
  /** An empty body stands for `{}`. */
  readonly emptyBody?: boolean;
  /** True where a locked user may still ask (spec: "Account locking"). */
  readonly whileLocked?: boolean;
  /** Bytes; nothing said: the app's limit. */
  readonly bodyLimit?: number;
  /** Gives the answer's value, or its text where that is at hand. */
  handle(asked: Asked<A, Static<P>, Static<Q>, Static<B>>): Promise<Static<R> | JsonText>;
}

/** Adds an endpoint under each of its prefixes. */
export function route<
  const A extends AuthKind,
  P extends TSchema,
  Q extends TSchema,
  B extends TSchema,
  R extends TSchema,
>(app: App, spec: RouteSpec<A, P, Q, B, R>): void {
  const handler = handlerOf(spec);
  for (const prefix of spec.prefixes) {
    app.route({
      method: spec.method,
      url: prefix + spec.path,
      config: configOf(spec),
      schema: {
        ...(spec.params === undefined ? {} : { params: spec.params }),
        ...(spec.query === undefined ? {} : { querystring: spec.query }),
        ...(spec.body === undefined ? {} : { body: spec.body }),
        response: { 200: spec.response, '4xx': errorSchema, '5xx': errorSchema },
      },
      ...(spec.bodyLimit === undefined ? {} : { bodyLimit: spec.bodyLimit }),
      ...(spec.body === undefined ? {} : { preValidation: requireBody }),
      handler,
    });
  }
}

type AnySpec = RouteSpec<AuthKind, TSchema, TSchema, TSchema, TSchema>;

function configOf(spec: Pick<AnySpec, 'auth' | 'numbers' | 'emptyBody' | 'whileLocked'>) {
  return {
    auth: spec.auth,
    ...(spec.whileLocked === undefined ? {} : { whileLocked: spec.whileLocked }),
    ...(spec.numbers === undefined ? {} : { numbers: spec.numbers }),
    ...(spec.emptyBody === undefined ? {} : { emptyBody: spec.emptyBody }),
  };
}

function handlerOf<
  A extends AuthKind,
  P extends TSchema,
  Q extends TSchema,
  B extends TSchema,
  R extends TSchema,
>(spec: RouteSpec<A, P, Q, B, R>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const answer = await spec.handle({
      // Fastify has held them against these very schemas.
      params: request.params as Static<P>,
      query: request.query as Static<Q>,
      body: request.body as Static<B>,
      bodyText: request.bodyText,
      // The auth hook has put one there where the route says `user`, and none otherwise.
      session: request.session as SessionOf<A>,
      address: request.ip,
      request,
    });
    if (!(answer instanceof JsonText)) return answer;
    return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.text);
  };
}

function requireBody(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  if (request.body === undefined || request.body === null) {
    const isEmpty = request.bodyText === '';
    if (!isEmpty || request.routeOptions.config.emptyBody !== true) {
      done(
        new MilenaError(isEmpty ? 'NOT_JSON' : 'BAD_JSON', 'The request needs a JSON object as its body.'),
      );
      return;
    }
    request.body = {};
  }
  done();
}
