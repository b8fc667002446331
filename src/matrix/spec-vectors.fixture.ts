import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A file of the spec folder, or why the tests that need it are skipped. Only for tests. */
export interface SpecVectors {
  /** False when the file is there, else the reason for node:test's `skip`. */
  readonly skip: string | false;
  /** The file's text. */
  text(): string;
  /** The file as JSON; the caller says of what shape. */
  json<Shape>(): Shape;
}

/** Looks for `path` below MILENA_SPEC_DIR (default: `../shared/spec` beside the checkout). */
export function specVectors(path: string): SpecVectors {
  const root = resolve(import.meta.dirname, '../..');
  const folder = process.env['MILENA_SPEC_DIR'] ?? '../shared/spec';
  const file = join(resolve(root, folder), path);
  const text = (): string => readFileSync(file, 'utf8');
  return {
    skip: existsSync(file) ? false : `no ${path} in the spec folder (MILENA_SPEC_DIR)`,
    text,
    json: <Shape>() => JSON.parse(text()) as Shape, // A test's own data, of the shape the test knows.
  };
}
