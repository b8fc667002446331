import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { MilenaError } from '../errors/milena-error.ts';
import { isJsonObject } from '../matrix/json.ts';

/**
 * Request schemas compiled with TypeBox. Bodies are taken as they are; query strings, which are text, first
 * have their integers, booleans and lists read. The error is the one that the client sees.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema);
  const read = httpPart === 'querystring' ? queryReader(schema) : undefined;
  return (input: unknown) => {
    const value = read === undefined ? input : read(input);
    if (compiled.Check(value)) return { value };
    return { error: explain(compiled.Errors(value)[0], httpPart) };
  };
};

/** The parts of a TypeBox error that are told. */
interface Complaint {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
}

function explain(complaint: Complaint | undefined, httpPart: string | undefined): MilenaError {
  const at = complaint?.instancePath ?? '';
  const where = at === '' ? (httpPart ?? 'request') : at.slice(1).replaceAll('/', '.');
  const text = `${where}: ${complaint?.message ?? 'is not valid'}`;
  if (complaint?.keyword === 'required' && at === '') return new MilenaError('MISSING_PARAM', text);
  return new MilenaError(httpPart === 'body' ? 'BAD_JSON' : 'INVALID_PARAM', text);
}

/** Reads the integers, booleans and lists of a query string, as its schema has them. */
function queryReader(schema: TSchema): (input: unknown) => unknown {
  const kinds = new Map<string, string>();
  const properties = 'properties' in schema && isJsonObject(schema.properties) ? schema.properties : {};
  for (const [name, property] of Object.entries(properties)) {
    if (isJsonObject(property) && typeof property['type'] === 'string') kinds.set(name, property['type']);
  }
  return (input) => {
    if (typeof input !== 'object' || input === null) return {};
    const entries = Object.entries(input);
    return Object.fromEntries(entries.map(([name, value]) => [name, readQuery(kinds.get(name), value)]));
  };
}

function readQuery(kind: string | undefined, value: unknown): unknown {
  if (kind === 'array') return Array.isArray(value) ? value : [value];
  // A parameter given twice counts once: the last, as most servers have it.
  const single: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (typeof single !== 'string') return single;
  if (kind === 'integer' && /^-?\d{1,15}$/.test(single)) return Number(single);
  if (kind === 'boolean' && (single === 'true' || single === 'false')) return single === 'true';
  return single;
}
