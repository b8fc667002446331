import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.ts';
import { redact } from './redact.ts';

/**
 * The server's log: a JSON object a line. Whatever is logged goes through `redact`, so that a careless call
 * writes neither a token nor content.
 * @param destination where the lines go; standard output if left out, written at once (a killed process keeps
 *   its last words).
 */
export function createLogger(level: Config['logLevel'], destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    // pino's own treatment of `err` must not come first: it would copy every field of the error.
    serializers: { err: (error: unknown) => error, error: (error: unknown) => error },
    formatters: {
      level: (label: string) => ({ level: label }),
      // The cast: redacting an object gives an object.
      log: (object: Record<string, unknown>) => redact(object) as Record<string, unknown>,
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
