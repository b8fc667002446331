import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpecDocuments } from './documents.ts';
import { neverAnswered } from './never-answered.ts';
import { type Operation, operations } from './operations.ts';

/** Which of the spec's operations and documented statuses a run's tests have reached. */
export interface SpecCoverage {
  readonly operations: number;
  readonly operationsReached: number;
  readonly statuses: number;
  readonly statusesReached: number;
  /** `METHOD path status`, one for each that was never reached though its operation was. */
  readonly missed: readonly string[];
  /** Those of `docs/never-answered.md`, which are not counted. */
  readonly excused: number;
  /** Rows of `docs/never-answered.md` that are not so: nothing documents them, or they were reached. */
  readonly untrue: readonly string[];
}

/** A documented status of an operation. */
interface Documented {
  readonly id: string;
  readonly status: number;
  /** `METHOD path status` */
  readonly name: string;
}

/** Reads what the processes of a run have noted in `folder`; undefined where there is no spec folder. */
export function specCoverage(folder: string): SpecCoverage | undefined {
  const all = operations().filter(({ api }) => api === 'cs');
  if (all.length === 0) return undefined;
  const seen = new Set(
    readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n')),
  );
  const reached = new Set([...seen].map((line) => line.split(' ')[0]));
  const isSeen = ({ id, status }: Documented): boolean => seen.has(`${id} ${status}`);
  const never = new Set(neverAnswered().map(({ method, path, status }) => `${method} ${path} ${status}`));
  const documented = documentedStatuses(all);
  const names = new Set(documented.map(({ name }) => name));
  const built = documented.filter(({ id }) => reached.has(id));
  const wanted = built.filter(({ name }) => !never.has(name));
  const missed = wanted.filter((one) => !isSeen(one));
  return {
    operations: all.length,
    operationsReached: all.filter(({ id }) => reached.has(id)).length,
    statuses: wanted.length,
    statusesReached: wanted.length - missed.length,
    missed: missed.map(({ name }) => name),
    excused: built.length - wanted.length,
    untrue: [
      ...[...never].filter((name) => !names.has(name)),
      ...built.filter((one) => never.has(one.name) && isSeen(one)).map(({ name }) => name),
    ],
  };
}

function documentedStatuses(all: readonly Operation[]): readonly Documented[] {
  const documents = new SpecDocuments();
  return all.flatMap((operation) => {
    const { id, method, path } = operation;
    const statuses = [...documents.responses(operation).keys()];
    return statuses.map((status) => ({ id, status, name: `${method} ${path} ${status}` }));
  });
}
