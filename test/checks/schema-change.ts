import { parseSchema } from '../../src/log/codec.ts';
import { type Avro, type AvroObject, isUnion, namedTypes } from './schema-shape.ts';

/**
 * Why a schema must not take the place of an earlier one of the same record type; empty when it may.
 * - Records written under the earlier schema must be readable under the present one.
 * - Records written under the present one must be readable by software that has the earlier one, so that nodes
 *   can be upgraded one by one. What an enum has gained is excepted: older software sets such records aside.
 * - No field, symbol or named type may vanish: what is on the log must not become invisible.
 */
export function incompatibilities(earlier: string, present: string): readonly string[] {
  const before = namedTypes(JSON.parse(earlier));
  const now = namedTypes(JSON.parse(present));
  return [
    ...vanished(before, now),
    ...unreadable('the present schema cannot read earlier records', earlier, present),
    ...unreadable('earlier software cannot read present records', withSymbolsOf(present, before), earlier),
  ];
}

function vanished(
  before: ReadonlyMap<string, AvroObject>,
  now: ReadonlyMap<string, AvroObject>,
): readonly string[] {
  return [...before].flatMap(([name, type]) => {
    const same = now.get(name);
    if (same === undefined) return [`the type ${name} has vanished`];
    const fields = new Set(same.fields?.map((field) => field.name));
    const symbols = new Set(same.symbols);
    return [
      ...(type.fields ?? [])
        .filter((field) => !fields.has(field.name))
        .map((field) => `the field ${name}.${field.name} has vanished`),
      ...(type.symbols ?? [])
        .filter((symbol) => !symbols.has(symbol))
        .map((symbol) => `the symbol ${name}.${symbol} has vanished`),
    ];
  });
}

function unreadable(problem: string, writer: string, reader: string): readonly string[] {
  try {
    parseSchema(reader).createResolver(parseSchema(writer));
    return [];
  } catch (error) {
    return [`${problem}: ${error instanceof Error ? error.message : error}`];
  }
}

/** The schema with its enums cut down to the symbols that they had before. */
function withSymbolsOf(schema: string, before: ReadonlyMap<string, AvroObject>): string {
  return JSON.stringify(JSON.parse(schema), (_key, value: Avro) => {
    if (typeof value !== 'object' || value === null || isUnion(value) || value.type !== 'enum') return value;
    const symbols = before.get(value.name ?? '')?.symbols;
    return symbols === undefined ? value : { ...value, symbols };
  });
}
