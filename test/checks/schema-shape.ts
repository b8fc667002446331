import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A part of an Avro schema, as JSON. */
export type Avro = string | readonly Avro[] | AvroObject;

/** A schema that is written as an object. */
export interface AvroObject {
  readonly type: string;
  readonly name?: string;
  readonly doc?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: Avro;
  readonly size?: number;
}

/** A field of a record. */
export interface AvroField {
  readonly name: string;
  readonly type: Avro;
  readonly doc?: string;
}

/** All named types of a schema, by name; `milena.` left out. */
export function namedTypes(schema: Avro, found = new Map<string, AvroObject>()): Map<string, AvroObject> {
  if (typeof schema === 'string') return found;
  if (isUnion(schema)) {
    for (const branch of schema) namedTypes(branch, found);
    return found;
  }
  if (schema.name !== undefined) found.set(schema.name, schema);
  for (const field of schema.fields ?? []) namedTypes(field.type, found);
  if (schema.items !== undefined) namedTypes(schema.items, found);
  return found;
}

/** What TypeScript should call values of a schema. A property named `sealed` is its plain text, or null. */
export function shapeOfSchema(schema: Avro, named = namedTypes(schema)): string {
  if (typeof schema === 'string') {
    const type = named.get(schema.replace(/^milena\./, ''));
    return type === undefined ? primitive(schema) : shapeOfSchema(type, named);
  }
  if (isUnion(schema)) return union(schema.map((branch) => shapeOfSchema(branch, named)));
  switch (schema.type) {
    case 'record':
      return record((schema.fields ?? []).map((field) => [field.name, shapeOfField(field, named)]));
    case 'enum':
      return union((schema.symbols ?? []).map((symbol) => JSON.stringify(symbol)));
    case 'array':
      return `${shapeOfSchema(schema.items ?? 'null', named)}[]`;
    default:
      return primitive(schema.type);
  }
}

/** The same of the interfaces in `records.ts`, by record type. */
export function shapesOfRecords(): ReadonlyMap<string, string> {
  const file = fileURLToPath(new URL('../../src/log/records.ts', import.meta.url));
  const program = ts.createProgram([file], { strict: true, target: ts.ScriptTarget.ESNext, noEmit: true });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const records = source?.statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === 'Records',
  );
  if (records === undefined) throw new Error('records.ts has no interface Records');
  const type = checker.getTypeAtLocation(records);
  return new Map(
    type
      .getProperties()
      .map((property) => [
        property.name,
        shapeOfType(checker, checker.getTypeOfSymbolAtLocation(property, records), records),
      ]),
  );
}

function shapeOfField(field: AvroField, named: Map<string, AvroObject>): string {
  return field.name === 'sealed' ? union(['string', 'null']) : shapeOfSchema(field.type, named);
}

function shapeOfType(checker: ts.TypeChecker, type: ts.Type, at: ts.Node): string {
  if (type.isUnion()) return union(type.types.map((branch) => shapeOfType(checker, branch, at)));
  if (type.isStringLiteral()) return JSON.stringify(type.value);
  const text = checker.typeToString(type);
  if (/^Uint8Array\b/.test(text)) return 'Uint8Array';
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    return item === undefined ? text : `${shapeOfType(checker, item, at)}[]`;
  }
  if ((type.flags & ts.TypeFlags.Object) === 0) return text;
  return record(
    type
      .getProperties()
      .map((property) => [
        property.name,
        shapeOfType(checker, checker.getTypeOfSymbolAtLocation(property, at), at),
      ]),
  );
}

function primitive(name: string): string {
  switch (name) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number';
    case 'bytes':
    case 'fixed':
      return 'Uint8Array';
    default:
      return name;
  }
}

function record(fields: readonly (readonly [string, string])[]): string {
  return `{${fields.map(([name, shape]) => `${name}:${shape}`).join(';')}}`;
}

/** Branches in one order. TypeScript takes `boolean` for a union of two. */
function union(branches: readonly string[]): string {
  const both = branches.includes('true') && branches.includes('false');
  const rest = both ? branches.filter((branch) => branch !== 'true' && branch !== 'false') : branches;
  return [...rest, ...(both ? ['boolean'] : [])].sort().join('|');
}

/** Whether a schema is a union. `Array.isArray` alone does not narrow readonly arrays. */
export function isUnion(schema: Avro): schema is readonly Avro[] {
  return Array.isArray(schema);
}
