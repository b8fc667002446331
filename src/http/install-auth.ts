import type { FastifyRequest } from 'fastify';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { hasToken } from './auth.ts';
import type { App, ClientContext } from './context.ts';
import { asMilenaError } from './error-reply.ts';
import './fastify-types.ts';
import { isOpenToGuests } from './guest-access.ts';
import type { Session } from './reads/account-reads.ts';
import { isOpenToSuspended } from './suspension.ts';

type AuthContext = Pick<ClientContext, 'auth' | 'lastSeen'>;

/**
 * Has every request show who asks, where its route says so, and refuses locked users everywhere else too. Before the
 * body is read: a stranger's is not worth parsing.
 */
export function installAuth(app: App, context: AuthContext): void {
  app.decorateRequest('session', undefined);
  app.addHook('onRequest', (request: FastifyRequest, _reply, done) => {
    if (!needsSession(request)) {
      if (isForAnybody(request)) refuseLocked(context, request).then(() => done(), done);
      else done();
      return;
    }
    try {
      const session = context.auth.session(request);
      if (session instanceof Promise) {
        session.then((found) => admit(context, request, found)).then(() => done(), done);
      } else {
        admit(context, request, session);
        done();
      }
    } catch (error) {
      done(asMilenaError(error));
    }
  });
}

function needsSession(request: FastifyRequest): boolean {
  const { auth } = request.routeOptions.config;
  return auth === 'user' || (auth === 'optional' && hasToken(request));
}

/** Whether an endpoint of the client-server API is asked with a token that it does not need. */
function isForAnybody(request: FastifyRequest): boolean {
  const { config, url = '' } = request.routeOptions;
  return config.auth === 'none' && url.startsWith('/_matrix/client/') && hasToken(request);
}

/**
 * Spec: client-server API, "Account locking": all endpoints but the logouts refuse. Tokens that are none, or none any
 * more, change nothing about an endpoint that is for anybody; nor do models that are too far behind to know.
 * @throws MilenaError USER_LOCKED
 */
async function refuseLocked({ auth }: AuthContext, request: FastifyRequest): Promise<void> {
  const isLocked = await auth.showsLocked(request).catch((error: unknown) => {
    if (isMilenaError(error, 'UNAVAILABLE')) return false;
    throw error;
  });
  if (isLocked) throw new MilenaError('USER_LOCKED');
}

/** @throws MilenaError USER_LOCKED, USER_SUSPENDED, GUEST_ACCESS_FORBIDDEN */
function admit({ lastSeen }: AuthContext, request: FastifyRequest, session: Session): void {
  const { method, routeOptions } = request;
  const { config, url = '' } = routeOptions;
  if (session.locked && config.whileLocked !== true) throw new MilenaError('USER_LOCKED');
  if (session.suspended && !isOpenToSuspended(method, url)) throw new MilenaError('USER_SUSPENDED');
  if (session.kind === 'guest' && !isOpenToGuests(method, url, fieldOf(request))) {
    throw new MilenaError('GUEST_ACCESS_FORBIDDEN');
  }
  lastSeen.note(session, request.ip, request.headers['user-agent']);
  request.session = session;
}

/** The field of a profile that a request is about. */
function fieldOf({ params }: FastifyRequest): string | undefined {
  const name: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'keyName') : '';
  return typeof name === 'string' && name !== '' ? name : undefined;
}
