import { catalogue, type ErrorCode } from './catalogue.ts';

/** Facts that go with an error: to the client's body when `expose` names them, to the log otherwise. */
export interface ErrorFacts {
  /** Milliseconds after which the client may try again (`M_LIMIT_EXCEEDED`). */
  readonly retryAfterMs?: number;
  /** Further top-level properties of the error body, such as `soft_logout`. */
  readonly expose?: Readonly<Record<string, unknown>>;
  /** For our own logs only. Never content, never secrets. */
  readonly log?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error of the catalogue. `message` may be shown to a client. */
export class MilenaError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message?: string, facts: ErrorFacts = {}) {
    super(message ?? catalogue[code].text, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'MilenaError';
    this.code = code;
    this.facts = facts;
  }

  /** The Matrix error code that a client sees. */
  get errcode(): string {
    return catalogue[this.code].errcode;
  }

  /** The HTTP status that goes with it. */
  get status(): number {
    return catalogue[this.code].status;
  }
}

/** True when `error` is of the catalogue and, if `code` is given, has that code. */
export function isMilenaError(error: unknown, code?: ErrorCode): error is MilenaError {
  return error instanceof MilenaError && (code === undefined || error.code === code);
}
