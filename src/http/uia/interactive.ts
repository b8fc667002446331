import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import type { ClientContext } from '../context.ts';
import { type JsonText, jsonAnswer } from '../json-text.ts';
import { addressKey } from '../rate-limits.ts';
import { checkStage } from './check-stage.ts';
import { comesNext, hasStage, isComplete, withStage } from './progress.ts';
import { paramsOf } from './registration-flows.ts';
import type { AuthData, Flow, Proven } from './stage.ts';
import { type UiaSession, UiaSessions } from './uia-session.ts';

/** What the parameters of such a request may be. */
export type Parameters = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** A request to an endpoint that uses the UIA. */
export interface InteractiveRequest<P extends Parameters> {
  /** Method and path as the client sent it: what the session is good for. */
  readonly operation: string;
  /** Who asks; undefined where no access token is needed. */
  readonly user: UserId | undefined;
  readonly address: string;
  readonly flows: readonly Flow[];
  readonly auth: AuthData | undefined;
  /** The body without `auth`. It may not change from one request to the next. */
  readonly parameters: P;
  /** Whether a request without parameters only asks for the flows: then the next may bring some. */
  readonly mayBeginEmpty?: boolean;
}

/** A session that this server has not stored, or whose stages are just completed. */
interface Attempt {
  readonly session: UiaSession;
  readonly isStored: boolean;
}

/**
 * Does something once all stages of a flow are completed (spec: client-server API, "User-Interactive API in the
 * REST API"). Until then the answer is 401 with the flows. A session is bound to the method, the path, the user
 * and the parameters; a request that has nothing but `auth` stands for the one that began it. Where it
 * fails for a reason that may pass, the session stays complete.
 * @param perform gets the parameters that the session is bound to.
 */
export async function interactive<P extends Parameters, R>(
  context: ClientContext,
  request: InteractiveRequest<P>,
  perform: (parameters: P, proven: Proven) => Promise<R>,
): Promise<R | JsonText> {
  const sessions = new UiaSessions(context);
  const attempt = await attemptOf(context, sessions, request);
  if (!('session' in attempt)) return attempt.refused;
  const { session, isStored } = attempt;
  if (!isComplete(session)) return challenge(context, session);
  const taken = isStored ? await sessions.take(session.id) : session;
  if (taken === undefined) return begin(context, sessions, request, gone());
  try {
    // It was made of such parameters, and only for this operation.
    return await perform(JSON.parse(taken.parameters) as P, taken.proven);
  } catch (error) {
    // What may pass can be tried again without the stages; a refusal is one of this very request.
    if (isMilenaError(error) && (error.status >= 500 || error.code === 'LIMIT_EXCEEDED')) {
      await sessions.keep(taken);
    }
    throw error;
  }
}

/** The session after what this request has tried, or the answer that refuses it. */
async function attemptOf(
  context: ClientContext,
  sessions: UiaSessions,
  request: InteractiveRequest<Parameters>,
): Promise<Attempt | { readonly refused: JsonText }> {
  const { auth } = request;
  if (auth?.type === undefined && auth?.session === undefined) {
    return { refused: await begin(context, sessions, request) };
  }
  if (auth.session === undefined) return tryAlone(context, sessions, request, auth);
  const session = await bound(sessions, auth.session, request);
  if (session === undefined) return { refused: await begin(context, sessions, request, gone()) };
  if (auth.type === undefined || hasStage(session, auth.type)) return { session, isStored: true };
  try {
    const changed = await sessions.change(session.id, await complete(context, session, request, auth));
    if (changed !== undefined) return { session: changed, isStored: true };
    return { refused: await begin(context, sessions, request, gone()) };
  } catch (error) {
    if (isMilenaError(error, 'FORBIDDEN')) return { refused: challenge(context, session, error) };
    throw error;
  }
}

/** A stage without a session: the flow may have no other, and then none is needed. */
async function tryAlone(
  context: ClientContext,
  sessions: UiaSessions,
  request: InteractiveRequest<Parameters>,
  auth: AuthData,
): Promise<Attempt | { readonly refused: JsonText }> {
  const session = sessions.begin(aboutOf(request));
  try {
    const changed = (await complete(context, session, request, auth))(session);
    if (isComplete(changed)) return { session: changed, isStored: false };
    await keep(context, sessions, changed, request);
    return { session: changed, isStored: true };
  } catch (error) {
    if (!isMilenaError(error, 'FORBIDDEN')) throw error;
    return { refused: await begin(context, sessions, request, error) };
  }
}

/** A new session, and the answer that tells of it. */
async function begin(
  context: ClientContext,
  sessions: UiaSessions,
  request: InteractiveRequest<Parameters>,
  error?: MilenaError,
): Promise<JsonText> {
  const session = sessions.begin(aboutOf(request));
  await keep(context, sessions, session, request);
  return challenge(context, session, error);
}

/** Strangers make sessions too: they are limited as their logins are. */
async function keep(
  { limits }: ClientContext,
  sessions: UiaSessions,
  session: UiaSession,
  { user, address }: InteractiveRequest<Parameters>,
): Promise<void> {
  if (user === undefined) limits.take('loginAddress', addressKey(address));
  await sessions.keep(session);
}

/** The session that a client names, if it is for this very request. */
async function bound(
  sessions: UiaSessions,
  id: string,
  request: InteractiveRequest<Parameters>,
): Promise<UiaSession | undefined> {
  const session = (await sessions.find(id))?.session;
  const { operation, user, parameters } = aboutOf(request);
  if (session?.operation !== operation || session.user !== user) return undefined;
  if (parameters === session.parameters || parameters === NONE) return session;
  if (session.parameters !== NONE || request.mayBeginEmpty !== true) return undefined;
  // Clients ask for the flows with an empty body first. What they then want is what counts from now on.
  return sessions.change(id, (now) => (now.parameters === NONE ? { ...now, parameters } : now));
}

const NONE = '{}';

/** Parameters as text: the same for the same, in whichever order they came. */
function textOf(parameters: Parameters): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return JSON.stringify(Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1))));
}

function aboutOf({ operation, user, flows, parameters }: InteractiveRequest<Parameters>) {
  return { operation, user: user ?? null, flows, parameters: textOf(parameters) };
}

/** @throws MilenaError FORBIDDEN when the stage is not one that comes next, and what `checkStage` throws. */
async function complete(
  context: ClientContext,
  session: UiaSession,
  { address }: InteractiveRequest<Parameters>,
  auth: AuthData,
): Promise<(now: UiaSession) => UiaSession> {
  const type = auth.type ?? '';
  if (!comesNext(session, type)) throw new MilenaError('FORBIDDEN', 'This stage does not come next.');
  const proven = await checkStage(context, type, auth, { user: session.user, address });
  return (now) => withStage(now, type, proven);
}

function challenge(
  { settings }: ClientContext,
  { id, flows, completed }: UiaSession,
  error?: MilenaError,
): JsonText {
  const stages = [...new Set(flows.flat())];
  const params = stages.map((stage) => [stage, paramsOf(settings, stage)]);
  return jsonAnswer(401, {
    ...(error === undefined ? {} : { errcode: error.errcode, error: error.message }),
    session: id,
    flows: flows.map((flow) => ({ stages: flow })),
    params: Object.fromEntries(params.filter(([, value]) => value !== undefined)),
    ...(completed.length === 0 ? {} : { completed }),
  });
}

function gone(): MilenaError {
  return new MilenaError('FORBIDDEN', 'The session is over, or was begun for another request: begin again.');
}
