import { setTimeout } from 'node:timers/promises';
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

/** How often and for how long a request looks for the result of another with its session, milliseconds. */
const POLL_MS = 50;
const WAIT_MS = 10_000;

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
  /** What is checked of every request before it authenticates, but not of one whose result is only given again. */
  readonly check?: () => Promise<void>;
  /** True where each result needs an authentication of its own: it is not given again. */
  readonly once?: boolean;
}

/** A session that this server has not stored, or whose stages are just completed. */
interface Attempt {
  readonly session: UiaSession;
  readonly isStored: boolean;
}

/**
 * Does something once all stages of a flow are completed (spec: client-server API, "User-Interactive API in the
 * REST API"). Until then the answer is 401 with the flows. A session is bound to the method, the path, the user
 * and the parameters; a request that has nothing but `auth` stands for the one that began it. Who sends the last
 * request again, having missed its answer, gets that answer for a while. Where it fails the session stays complete:
 * what may pass can be tried again, and a refusal is one again.
 * @param perform gets the parameters that the session is bound to. What it gives must be JSON.
 */
export async function interactive<P extends Parameters, R>(
  context: ClientContext,
  request: InteractiveRequest<P>,
  perform: (parameters: P, proven: Proven) => Promise<R>,
): Promise<R | JsonText> {
  const sessions = new UiaSessions(context);
  await check(sessions, request);
  const attempt = await attemptOf(context, sessions, request);
  if (!('session' in attempt)) return attempt.refused;
  const { session, isStored } = attempt;
  if (!isComplete(session)) return challenge(context, session);
  // They were made of such parameters, and only for this operation.
  const run = (now: UiaSession) => perform(JSON.parse(now.parameters) as P, now.proven);
  if (!isStored) return run(session);
  return request.once === true
    ? runOnce(context, sessions, request, session, run)
    : runForAll(context, sessions, request, session, run);
}

/** What is refused may be so because this very session has done it: then its result is given again. */
async function check(sessions: UiaSessions, request: InteractiveRequest<Parameters>): Promise<void> {
  try {
    await request.check?.();
  } catch (error) {
    const id = request.auth?.session;
    const session = id === undefined ? undefined : await bound(sessions, id, request);
    if (session?.end === undefined) throw error;
  }
}

/** Of several requests with a session one performs, and the others have none any more. */
async function runOnce<R>(
  context: ClientContext,
  sessions: UiaSessions,
  request: InteractiveRequest<Parameters>,
  session: UiaSession,
  run: (session: UiaSession) => Promise<R>,
): Promise<R | JsonText> {
  const taken = await sessions.take(session.id);
  if (taken === undefined) return begin(context, sessions, request, gone());
  try {
    return await run(taken);
  } catch (error) {
    await sessions.keep(taken).catch((lost: unknown) => tellLost(context, lost));
    throw error;
  }
}

/** Of several requests with a session one performs; the others wait, and get what came of it. */
async function runForAll<R>(
  context: ClientContext,
  sessions: UiaSessions,
  request: InteractiveRequest<Parameters>,
  { id }: UiaSession,
  run: (session: UiaSession) => Promise<R>,
): Promise<R | JsonText> {
  const asked = textOf(request.parameters);
  for (let waited = 0; ; waited += POLL_MS) {
    const claimed = await sessions.claim(id, asked);
    if (claimed === undefined || (claimed.session.end?.asked ?? asked) !== asked) {
      return begin(context, sessions, request, gone());
    }
    const { session, performs } = claimed;
    if (performs) return runAndNote(context, sessions, session, asked, run);
    // It is what `runAndNote` has stored, of the same route.
    if (session.end?.result !== undefined) return JSON.parse(session.end.result) as R;
    // The spec has a 401 with the completed stages for whoever is too early.
    if (waited >= WAIT_MS) return challenge(context, session);
    await setTimeout(POLL_MS);
  }
}

async function runAndNote<R>(
  context: ClientContext,
  sessions: UiaSessions,
  session: UiaSession,
  asked: string,
  run: (session: UiaSession) => Promise<R>,
): Promise<R> {
  const lost = (error: unknown) => tellLost(context, error);
  try {
    const result = await run(session);
    await sessions.finish(session, asked, JSON.stringify(result)).catch(lost);
    return result;
  } catch (error) {
    await sessions.keep({ ...session, end: undefined }).catch(lost);
    throw error;
  }
}

/** What was done is done, and its answer goes out, though it cannot be given again. */
function tellLost({ logger }: ClientContext, error: unknown): void {
  logger.warn({ err: error }, 'what came of an authentication session could not be stored');
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
  // What is done is for the same request alone: its result may hold secrets.
  if (session.end !== undefined) return parameters === session.end.asked ? session : undefined;
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
