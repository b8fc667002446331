import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpecDocuments } from './documents.ts';
import { operations } from './operations.ts';

/** Which of the spec's operations and documented statuses a run's tests have reached. */
export interface SpecCoverage {
  readonly operations: number;
  readonly operationsReached: number;
  readonly statuses: number;
  readonly statusesReached: number;
  /** `METHOD path status`, one for each that was never reached though its operation was. */
  readonly missed: readonly string[];
}

/** Reads what the processes of a run have noted in `folder`; undefined where there is no spec folder. */
export function specCoverage(folder: string): SpecCoverage | undefined {
  const all = operations().filter(({ api }) => api === 'cs');
  if (all.length === 0) return undefined;
  const seen = new Set(
    readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n')),
  );
  const reached = new Set([...seen].map((line) => line.split(' ')[0]));
  const documents = new SpecDocuments();
  const built = all.filter(({ id }) => reached.has(id));
  const wanted = built.flatMap((operation) =>
    [...documents.responses(operation).keys()].map((status) => ({ operation, status })),
  );
  const missed = wanted.filter(({ operation, status }) => !seen.has(`${operation.id} ${status}`));
  return {
    operations: all.length,
    operationsReached: built.length,
    statuses: wanted.length,
    statusesReached: wanted.length - missed.length,
    missed: missed.map(({ operation: { method, path }, status }) => `${method} ${path} ${status}`),
  };
}
