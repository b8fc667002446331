import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { type ErrorFacts, MilenaError } from '../../errors/milena-error.ts';

/** An error of the catalogue as it crosses from one node to another. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: Pick<ErrorFacts, 'retryAfterMs' | 'expose' | 'log'>;
}

/** The error without its cause, which does not survive the way as JSON. */
export function toWire(error: MilenaError): WireError {
  const { cause: _cause, ...facts } = error.facts;
  return { code: error.code, message: error.message, facts };
}

/** The error that another node sent; UNAVAILABLE when what came is none (a node of another version, a proxy). */
export function fromWire(body: unknown, status: number): MilenaError {
  if (isWireError(body)) return new MilenaError(body.code, body.message, body.facts);
  return new MilenaError('UNAVAILABLE', undefined, { log: { status } });
}

function isWireError(body: unknown): body is WireError {
  if (typeof body !== 'object' || body === null) return false;
  const { code, message, facts } = body as Partial<Record<keyof WireError, unknown>>; // Looked at below.
  const isKnown = typeof code === 'string' && Object.hasOwn(catalogue, code);
  return isKnown && typeof message === 'string' && typeof facts === 'object' && facts !== null;
}
