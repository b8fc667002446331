import type { ErrorCode } from '../errors/catalogue.ts';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { StrictJsonError } from '../matrix/strict-json.ts';

/** The body of an error (spec: client-server API, "Standard error response"). */
export interface ErrorBody {
  readonly errcode: string;
  readonly error: string;
  readonly retry_after_ms?: number;
  readonly [fact: string]: unknown;
}

/** Any error as one of the catalogue. What is not known to be harmless becomes INTERNAL, without details. */
export function asMilenaError(error: unknown): MilenaError {
  if (isMilenaError(error)) return error;
  if (error instanceof StrictJsonError) {
    const code = error.reason === 'not_json' ? 'NOT_JSON' : 'BAD_JSON';
    return new MilenaError(code, error.message, { cause: error });
  }
  const code = fastifyCode(error);
  if (code !== undefined) return new MilenaError(code, undefined, { cause: error });
  return new MilenaError('INTERNAL', undefined, { cause: error });
}

/** The body that a client sees. */
export function errorBody(error: MilenaError): ErrorBody {
  const { retryAfterMs, expose } = error.facts;
  return {
    // The session is kept: it goes on when the lock ends (spec: "Account locking").
    ...(error.code === 'USER_LOCKED' ? { soft_logout: true } : {}),
    ...expose,
    errcode: error.errcode,
    error: error.message,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
}

/** What the `Retry-After` header says, seconds; undefined where it is not known when to come again. */
export function retryAfterOf({ facts: { retryAfterMs } }: MilenaError): string | undefined {
  return retryAfterMs === undefined ? undefined : String(Math.ceil(retryAfterMs / 1_000));
}

/** The code for an error of fastify's own; undefined when it is none, or none that a request can cause. */
function fastifyCode(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('statusCode' in error)) return undefined;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'TOO_LARGE';
  if (error.code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH') return 'NOT_JSON';
  const status = Number(error.statusCode);
  return String(error.code).startsWith('FST_ERR_') && status >= 400 && status < 500
    ? 'INVALID_PARAM'
    : undefined;
}
