import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { isObject } from '../client.ts';
import { type Operation, specFolder } from './operations.ts';

/** A place in a document of the spec: the file's URL, a JSON pointer, and what stands there. */
interface Place {
  readonly file: string;
  readonly pointer: string;
  readonly node: unknown;
}

/** What the spec says that a response holds. */
export interface Documented {
  /** Undefined where its body is no JSON, or nothing is said of it. */
  readonly body: ValidateFunction | undefined;
}

/** The OpenAPI documents of the spec folder, read when they are asked for, and schemas made of them. */
export class SpecDocuments {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false, allErrors: false });
  readonly #documents = new Map<string, unknown>();
  readonly #responses = new Map<string, ReadonlyMap<number, Documented>>();

  /** The documented responses of an operation, by status. */
  responses(operation: Operation): ReadonlyMap<number, Documented> {
    const known = this.#responses.get(operation.id);
    if (known !== undefined) return known;
    const made = new Map<number, Documented>();
    for (const [status, place] of this.#responsesOf(operation)) {
      const schema = this.#at(place, ['content', 'application/json', 'schema']);
      made.set(status, { body: schema === undefined ? undefined : this.#compiled(schema) });
    }
    this.#responses.set(operation.id, made);
    return made;
  }

  #responsesOf(operation: Operation): readonly (readonly [number, Place])[] {
    const file = pathToFileURL(join(specFolder, operation.file)).href;
    const root = { file, pointer: '', node: this.#document(file) };
    const paths = this.#at(root, ['paths']);
    const names = isObject(paths?.node) ? Object.keys(paths.node) : [];
    // A document's paths stand behind its base path, which differs from file to file.
    const name = names
      .filter((path) => operation.path.endsWith(path.trim()))
      .sort((a, b) => b.length - a.length)[0];
    const responses = this.#at(root, ['paths', name ?? '', operation.method.toLowerCase(), 'responses']);
    if (responses === undefined || !isObject(responses.node)) return [];
    return Object.keys(responses.node).flatMap((status) => {
      const place = this.#at(responses, [status]);
      return place === undefined ? [] : [[Number(status), place] as const];
    });
  }

  /** Goes down from a place, through references. */
  #at(place: Place, keys: readonly string[]): Place | undefined {
    let at = this.#dereferenced(place);
    for (const key of keys) {
      if (!isObject(at.node) || !(key in at.node)) return undefined;
      const pointer = `${at.pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      at = this.#dereferenced({ file: at.file, pointer, node: at.node[key] });
    }
    return at;
  }

  #dereferenced(place: Place): Place {
    const reference = isObject(place.node) ? place.node['$ref'] : undefined;
    // A schema's own references are the validator's business.
    if (typeof reference !== 'string' || place.pointer.endsWith('/schema')) return place;
    const url = new URL(reference, place.file);
    const file = url.href.split('#')[0] ?? url.href;
    let node: unknown = this.#document(file);
    const pointer = decodeURIComponent(url.hash.slice(1));
    for (const key of pointer.split('/').slice(1)) {
      node = isObject(node) ? node[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
    }
    return this.#dereferenced({ file, pointer, node });
  }

  #compiled({ file, pointer }: Place): ValidateFunction {
    const fragment = pointer.split('/').map(encodeURIComponent).join('/');
    return this.#ajv.compile({ $ref: `${file}#${fragment}` });
  }

  #document(file: string): unknown {
    if (this.#documents.has(file)) return this.#documents.get(file);
    const references = new Set<string>();
    const text = readFileSync(fileURLToPath(file), 'utf8');
    const document = prepared(parse(text, { logLevel: 'silent' }), file, references);
    this.#documents.set(file, document);
    this.#ajv.addSchema(isObject(document) ? document : {}, file, false, false);
    for (const reference of references) this.#document(reference);
    return document;
  }
}

/**
 * A document with whole URLs for its references, since the validator loses a file's own place when it copies
 * what is referred to; without examples, whose references are no schemas. `oneOf` is read as `anyOf`: an event is
 * both of what `GET state/{eventType}/{stateKey}` may answer, the event and the content. `references` gets the files.
 */
function prepared(node: unknown, file: string, references: Set<string>): unknown {
  if (Array.isArray(node)) return node.map((item) => prepared(item, file, references));
  if (!isObject(node)) return node;
  const kept = Object.entries(node).filter(
    ([key]) => key !== 'example' && key !== 'examples' && key !== '$id',
  );
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (key === 'oneOf') return ['anyOf', prepared(value, file, references)];
      if (key !== '$ref' || typeof value !== 'string') return [key, prepared(value, file, references)];
      const url = new URL(value, file).href;
      references.add(url.split('#')[0] ?? url);
      return [key, url];
    }),
  );
}
