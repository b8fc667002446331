import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../client.ts';
import type { Answer } from '../http.ts';
import { SpecDocuments } from './documents.ts';
import { OperationFinder, operations } from './operations.ts';

/** Where the run's processes note what they saw; `test/run.ts` makes and reads it. */
const seenFolder = process.env['MILENA_SPEC_SEEN'];

const finder = new OperationFinder(operations().filter(({ api }) => api === 'cs'));
const documents = new SpecDocuments();
const seen = new Set<string>();

/** An answer came, and it is not as the spec says. */
export class NotAsSpecified extends Error {
  override readonly name = 'NotAsSpecified';
}

/**
 * Holds an answer against what the spec's OpenAPI data says of its operation and status. Every test's answers
 * come by here; where the spec folder is missing nothing is checked (the run says so).
 * @throws NotAsSpecified that names the operation and what does not fit.
 */
export function checkAgainstSpec(method: string, target: string, answer: Answer): void {
  const operation = finder.find(method, target);
  // An operation that is not built has not been reached.
  if (operation === undefined || answer.text.includes('M_UNRECOGNIZED')) return;
  note(`${operation.id} ${answer.status}`);
  const documented = documents.responses(operation).get(answer.status);
  if (
    documented?.body === undefined ||
    isAboutTheToken(answer) ||
    documented.body(held(operation.id, answer))
  )
    return;
  const faults = documented.body.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`);
  throw new NotAsSpecified(
    `${method} ${operation.path}, ${answer.status}: not as in ${operation.file}: ${faults?.join('; ')}; got ` +
      answer.text.slice(0, 400),
  );
}

/**
 * What is held against the schema. That of `GET events` knows no events but those of rooms' histories, while the prose
 * has account data in the stream as well (spec: "Client Config", "Events"), which has no ID and no sender.
 */
function held(operation: string, { json }: Answer): unknown {
  if (operation !== 'getEvents' || !isObject(json) || !Array.isArray(json['chunk'])) return json;
  return { ...json, chunk: json['chunk'].filter((event) => !isObject(event) || 'event_id' in event) };
}

/**
 * Every operation with an access token answers 401 for one that is no good (spec: "Using access tokens"), also those
 * whose 401 is documented as the challenge of the UIA.
 */
function isAboutTheToken({ status, json }: Answer): boolean {
  const errcode: unknown =
    typeof json === 'object' && json !== null ? Reflect.get(json, 'errcode') : undefined;
  return status === 401 && TOKEN_ERRORS.some((code) => code === errcode);
}

const TOKEN_ERRORS = ['M_MISSING_TOKEN', 'M_UNKNOWN_TOKEN', 'M_USER_LOCKED'];

function note(what: string): void {
  if (seenFolder === undefined || seen.has(what)) return;
  seen.add(what);
  appendFileSync(join(seenFolder, `${process.pid}`), `${what}\n`);
}
