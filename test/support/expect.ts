import assert from 'node:assert/strict';
import { isObject, type Json } from './client.ts';
import type { Answer } from './http.ts';

/**
 * Checks of answers whose failure names what the spec expects and where it says so. `section` is a place in
 * the spec: "CS API, Joining rooms", "CS API, POST /createRoom, 400".
 */

/** The answer is 200 with a JSON object; gives the object. */
export function expectOk(answer: Answer, section: string): Json {
  assert.equal(answer.status, 200, `${section}: expected 200, got ${shown(answer)}`);
  assert.ok(isObject(answer.json), `${section}: expected a JSON object, got ${shown(answer)}`);
  expectJsonType(answer, section);
  return answer.json;
}

/**
 * The answer is a standard error response with this status and code (or one of these).
 * Spec: CS API, Standard error response.
 */
export function expectError(
  answer: Answer,
  status: number | readonly number[],
  errcode: string | readonly string[],
  section: string,
): Json {
  const statuses = typeof status === 'number' ? [status] : status;
  const codes = typeof errcode === 'string' ? [errcode] : errcode;
  const body = expectStandardError(answer, section);
  assert.ok(
    codes.includes(String(body['errcode'])) && statuses.includes(answer.status),
    `${section}: expected ${statuses.join(' or ')} ${codes.join(' or ')}, got ${shown(answer)}`,
  );
  return body;
}

/** The answer is a standard error response with a status of 4xx, whatever the code. */
export function expectStandardError(answer: Answer, section: string): Json {
  assert.ok(
    answer.status >= 400 && answer.status < 500,
    `${section}: expected a refusal (4xx), got ${shown(answer)}`,
  );
  const body = answer.json;
  assert.ok(isObject(body), `${section}: an error must be a JSON object, got ${shown(answer)}`);
  assert.match(
    String(body['errcode']),
    /^M_[A-Z_0-9]+$/,
    `${section}: "errcode" must be there (CS API, Standard error response), got ${shown(answer)}`,
  );
  assert.equal(
    typeof body['error'],
    'string',
    `${section}: "error" must be there (CS API, Standard error response), got ${shown(answer)}`,
  );
  expectJsonType(answer, section);
  return body;
}

/** Says `section` with the answer when `condition` does not hold. */
export function check(condition: unknown, section: string, seen?: unknown): asserts condition {
  assert.ok(
    condition,
    seen === undefined ? section : `${section}; got ${JSON.stringify(seen)?.slice(0, 600)}`,
  );
}

/** `actual` equals `expected` deeply. */
export function same(actual: unknown, expected: unknown, section: string): void {
  assert.deepEqual(actual, expected, `${section}; got ${JSON.stringify(actual)?.slice(0, 600)}`);
}

function expectJsonType(answer: Answer, section: string): void {
  assert.match(
    String(answer.headers['content-type']),
    /^application\/json/,
    `${section}: the Content-Type must be application/json (CS API, API Standards)`,
  );
}

function shown(answer: Answer): string {
  return `${answer.status} ${answer.text.slice(0, 500)}`;
}
