import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** An operation of the specification: a row of `endpoints.tsv`. */
export interface Operation {
  /** `cs`, `ss`, `as`, `is` or `push`. */
  readonly api: string;
  readonly method: string;
  /** The whole path with `{parameters}`. */
  readonly path: string;
  readonly id: string;
  /** The OpenAPI file below the spec folder that describes it. */
  readonly file: string;
}

/** The spec folder: `MILENA_SPEC_DIR`, or beside the checkout. */
export const specFolder = resolve(
  import.meta.dirname,
  '../../..',
  process.env['MILENA_SPEC_DIR'] ?? '../shared/spec',
);

/** Every operation of the specification; empty where the spec folder is missing. */
export function operations(folder = specFolder): readonly Operation[] {
  const file = join(folder, 'endpoints.tsv');
  if (!existsSync(file)) return [];
  const seen = new Set<string>();
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => line.split('\t'))
    .flatMap(([api = '', method = '', path = '', id = '', , , , , , where = '']) => {
      // Two paths stand there twice, once with a blank behind them.
      const operation = { api, method, path: path.trim(), id, file: join('spec', where) };
      const key = `${api} ${method} ${operation.path}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return [operation];
    });
}

/** Finds the operation of a request. Old names of a path (`/r0/`) count as the present one. */
export class OperationFinder {
  readonly #exact = new Map<string, Operation>();
  readonly #patterns = new Map<string, { readonly pattern: RegExp; readonly operation: Operation }[]>();

  constructor(all: readonly Operation[]) {
    for (const operation of all) {
      const { method, path } = operation;
      if (!path.includes('{')) {
        this.#exact.set(`${method} ${path}`, operation);
        continue;
      }
      this.#add(path, operation);
      // An empty state key may be left out, with its slash or without.
      if (path.endsWith('/{stateKey}')) this.#add(path.slice(0, path.lastIndexOf('/')), operation);
    }
  }

  /** @param target path and query as they stand in the request line. */
  find(method: string, target: string): Operation | undefined {
    const path = (target.split('?')[0] ?? '').replace('/_matrix/client/r0/', '/_matrix/client/v3/');
    const exact = this.#exact.get(`${method} ${path}`);
    if (exact !== undefined) return exact;
    const bare = path.replace(/\/$/, '');
    const candidates = this.#patterns.get(`${method} ${bare.split('/').length}`) ?? [];
    return candidates.find(({ pattern }) => pattern.test(bare))?.operation;
  }

  #add(path: string, operation: Operation): void {
    const parts = path.split(/\{[^}]+\}/).map((part) => part.replace(/[.*+?^$()|[\]\\]/g, '\\$&'));
    const key = `${operation.method} ${path.split('/').length}`;
    const list = this.#patterns.get(key) ?? [];
    list.push({ pattern: new RegExp(`^${parts.join('[^/]+')}$`), operation });
    this.#patterns.set(key, list);
  }
}
